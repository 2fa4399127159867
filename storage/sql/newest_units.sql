-- The newest block of every slot that has had more than one.
SELECT DISTINCT ON (battery_key) battery_key, unit_seq, serial, since
FROM battery_unit
ORDER BY battery_key, unit_seq DESC
