-- A file goes when its last day is older than it is to be kept, and it has been here for as long.
WITH expired AS (
    UPDATE archive_file SET superseded_at = now()
    WHERE superseded_at IS NULL
      AND greatest(last_day, sealed_at::date) < CASE kind WHEN 1 THEN %(raw_before)s::date ELSE %(hours_before)s::date END
    RETURNING 1
)
UPDATE archive_state SET version = version + 1 WHERE EXISTS (SELECT 1 FROM expired)
