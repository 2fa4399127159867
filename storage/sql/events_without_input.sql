-- Events for twins that have not reached all of them: the server ended between storing the event and applying it.
SELECT e.*
FROM event_with_battery e
WHERE e.kind IN (4, 6, 7)
  AND EXISTS (
      SELECT 1
      FROM battery b
      JOIN string t USING (string_key)
      LEFT JOIN twin_input i ON i.battery_key = b.battery_key AND i.source_id = e.event_id
      WHERE t.string_id = e.string_id AND (e.battery_key IS NULL OR b.battery_key = e.battery_key)
        AND i.battery_key IS NULL
  )
ORDER BY e.start_time, e.event_key
