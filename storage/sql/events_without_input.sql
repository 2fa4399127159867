-- Events for twins that have not reached them: the server ended between storing the event and applying it.
SELECT e.*
FROM event_with_battery e
LEFT JOIN twin_input i ON i.battery_key = e.battery_key AND i.source_id = e.event_id
WHERE e.kind IN (4, 6) AND i.battery_key IS NULL
ORDER BY e.start_time, e.event_key
