-- Whether the past of a battery before a time has changed since these were the newest revisions.
SELECT EXISTS (
    SELECT 1
    FROM unnest(%(keys)s::int[], %(revisions)s::int[]) AS g (battery_key, revision)
    JOIN twin_revision t ON t.battery_key = g.battery_key AND t.revision > g.revision
    WHERE t.from_time < %(end)s
)
