-- Indexes of hours of some partitions of reading (reading_YYYYMMDD_hHH_hHH): partition, hours of the day, and whether
-- the index is sound.
SELECT t.relname AS partition, split_part(c.relname, '_h', 2)::int AS first_hour,
       split_part(c.relname, '_h', 3)::int AS last_hour, i.indisvalid AS valid
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
WHERE i.indrelid IN (SELECT to_regclass(name) FROM unnest(%(partitions)s::text[]) AS name)
  AND c.relname ~ '_h\d\d_h\d\d$'
ORDER BY t.relname, first_hour, last_hour
