-- Notes the version that writes from now on, unless it has been writing already. The first one wrote everything.
INSERT INTO filter_version (since, version, layout)
SELECT CASE WHEN EXISTS (SELECT 1 FROM filter_version) THEN now() ELSE '-infinity'::timestamptz END, w.version, w.layout
FROM (SELECT %(version)s::text AS version, %(layout)s::text AS layout) w
WHERE NOT EXISTS (
    SELECT 1 FROM (SELECT f.version, f.layout FROM filter_version f ORDER BY f.since DESC LIMIT 1) l
    WHERE l.version = w.version AND l.layout = w.layout
)
