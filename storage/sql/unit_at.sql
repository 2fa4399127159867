-- The block that stood in a slot then, if it was not the first.
SELECT unit_seq, serial, since
FROM battery_unit
WHERE battery_key = %(battery_key)s AND since <= %(at)s
ORDER BY unit_seq DESC
LIMIT 1
