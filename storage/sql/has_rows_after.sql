SELECT EXISTS (
    SELECT 1
    FROM reading r
    JOIN battery b USING (battery_key)
    JOIN string t USING (string_key)
    JOIN system s USING (system_key)
    JOIN location l USING (location_key)
    WHERE r.sample_time > %(after)s AND l.location_id = ANY(%(location_ids)s)
) AS found
