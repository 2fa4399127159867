-- What capacity tests have shown, oldest first.
SELECT battery_key, at, soh_capacity, kind = 3 AS stopped
FROM twin_input
WHERE battery_key = ANY (%(keys)s) AND kind IN (1, 3)
ORDER BY battery_key, at, seq
