-- Indexes of parts of some partitions of reading (reading_YYYYMMDD_hHHMM_hHHMM, or _hHH_hHH as they were called
-- before): partition, minutes of the day, whether the index is sound, and its name.
SELECT t.relname AS partition, 60 * left(ends[1], 2)::int + right(rpad(ends[1], 4, '0'), 2)::int AS first_minute,
       60 * left(ends[2], 2)::int + right(rpad(ends[2], 4, '0'), 2)::int AS last_minute,
       i.indisvalid AS valid, c.relname AS name
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
CROSS JOIN LATERAL regexp_match(c.relname, '_h(\d\d|\d{4})_h(\d\d|\d{4})$') AS ends
WHERE i.indrelid IN (SELECT to_regclass(name) FROM unnest(%(partitions)s::text[]) AS name)
  AND ends IS NOT NULL
ORDER BY t.relname, first_minute, last_minute
