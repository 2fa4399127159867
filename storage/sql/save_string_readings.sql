INSERT INTO string_reading (string_id, sample_time, voltage_v, current_a, mode)
SELECT * FROM unnest(%(string_ids)s::text[], %(sample_times)s::timestamptz[], %(voltages_v)s::real[],
                     %(currents_a)s::real[], %(modes)s::smallint[])
ON CONFLICT (string_id) DO UPDATE
SET sample_time = excluded.sample_time, voltage_v = excluded.voltage_v, current_a = excluded.current_a,
    mode = excluded.mode
WHERE string_reading.sample_time <= excluded.sample_time
