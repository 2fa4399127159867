-- Tables of the product that a crash would empty.
SELECT c.oid::regclass::text
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relpersistence <> 'p'
ORDER BY 1
