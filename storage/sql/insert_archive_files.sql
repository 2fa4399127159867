INSERT INTO archive_file (path, kind, first_day, last_day, first_battery_key, last_battery_key, row_count, byte_count, sha256)
SELECT g.path, %(kind)s, g.first_day, g.last_day, g.first_key, g.last_key, g.row_count, g.byte_count, g.sha256
FROM unnest(%(paths)s::text[], %(first_days)s::date[], %(last_days)s::date[], %(first_keys)s::int[],
            %(last_keys)s::int[], %(row_counts)s::bigint[], %(byte_counts)s::bigint[], %(digests)s::bytea[])
    AS g (path, first_day, last_day, first_key, last_key, row_count, byte_count, sha256)
