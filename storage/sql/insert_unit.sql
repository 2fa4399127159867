-- The next block of a slot, unless the slot got another one at the same time or later.
INSERT INTO battery_unit (battery_key, unit_seq, serial, since, event_id)
SELECT b.battery_key, coalesce(max(u.unit_seq), b.unit_seq) + 1, %(serial)s, %(since)s, %(event_id)s
FROM battery b
LEFT JOIN battery_unit u USING (battery_key)
WHERE b.battery_key = %(battery_key)s
GROUP BY b.battery_key
HAVING coalesce(max(u.since) < %(since)s, true)
