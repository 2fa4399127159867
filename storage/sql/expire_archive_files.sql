-- A file goes when its last day is older than it is to be kept, and it has been here for as long. One of readings stays
-- until there are hours of all its days, or it is older than these are to be kept.
WITH expired AS (
    UPDATE archive_file f SET superseded_at = now()
    WHERE f.superseded_at IS NULL
      AND greatest(f.last_day, f.sealed_at::date)
          < CASE f.kind WHEN 1 THEN %(raw_before)s::date ELSE %(hours_before)s::date END
      AND (f.kind = 2 OR greatest(f.last_day, f.sealed_at::date) < %(hours_before)s::date OR NOT EXISTS (
          SELECT 1 FROM generate_series(0, f.last_day - f.first_day) n
          WHERE NOT EXISTS (
              SELECT 1 FROM archive_file h
              WHERE h.kind = 2 AND h.superseded_at IS NULL AND f.first_day + n BETWEEN h.first_day AND h.last_day
                AND h.first_battery_key / %(block_size)s = f.first_battery_key / %(block_size)s
          )
      ))
    RETURNING 1
)
UPDATE archive_state SET version = version + 1 WHERE EXISTS (SELECT 1 FROM expired)
