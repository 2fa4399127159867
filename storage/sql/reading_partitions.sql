-- Partitions of reading with their activity, and whether their index on battery and time is there and sound (null =
-- not there).
SELECT c.relname, coalesce(s.n_tup_ins, 0) AS inserted,
       (SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass(c.relname || '_battery_time')) AS index_valid
FROM pg_inherits h
JOIN pg_class c ON c.oid = h.inhrelid
LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE h.inhparent = 'reading'::regclass
ORDER BY c.relname
