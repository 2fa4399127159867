-- Outages found by the server that last.
SELECT * FROM event_with_battery
WHERE kind = 3 AND end_time IS NULL AND recorded_by = %(recorded_by)s
ORDER BY start_time, event_key
