INSERT INTO twin_revision (battery_key, revision, known_at, from_time)
SELECT g.battery_key,
       coalesce((SELECT max(t.revision) FROM twin_revision t WHERE t.battery_key = g.battery_key), 0) + 1,
       %(known_at)s, g.from_time
FROM unnest(%(keys)s::int[], %(from_times)s::timestamptz[]) AS g (battery_key, from_time)
