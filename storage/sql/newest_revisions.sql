-- Number of the newest revision of every battery; 0 = none.
SELECT b.battery_key,
       coalesce((SELECT max(t.revision) FROM twin_revision t WHERE t.battery_key = b.battery_key), 0) AS revision
FROM battery b
