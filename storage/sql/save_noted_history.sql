INSERT INTO noted_history (location_id, start_time, end_time)
SELECT * FROM unnest(%(location_ids)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
ON CONFLICT (location_id) DO UPDATE SET start_time = excluded.start_time, end_time = excluded.end_time
