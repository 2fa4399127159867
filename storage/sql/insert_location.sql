-- Adds a location, and its grid where that is new.
WITH new_grid AS (
    INSERT INTO grid (grid_id) VALUES (%(grid_id)s)
    ON CONFLICT (grid_id) DO NOTHING
    RETURNING grid_key
), own_grid AS (
    SELECT grid_key FROM new_grid
    UNION ALL
    SELECT grid_key FROM grid WHERE grid_id = %(grid_id)s
    LIMIT 1
)
INSERT INTO location (location_id, grid_key, display_name, region, latitude_deg, longitude_deg, clock, sample_period_s)
SELECT %(location_id)s, grid_key, %(display_name)s, %(region)s, %(latitude_deg)s, %(longitude_deg)s, %(clock)s,
       %(sample_period_s)s
FROM own_grid
RETURNING location_key
