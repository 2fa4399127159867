-- What the same model said of the same blocks before, told or beside: the newest statement of at least each age, and
-- none much older. Ages count by the clock of the location: that of the server, or the sample time of what is fed.
-- What another filter version measured is another measure: it does not count.
SELECT a.place, g.number, p.as_of, p.days_25, p.days_50, p.days_75, p.confidence
FROM unnest(%(keys)s::int[], %(units)s::smallint[], %(models)s::int[], %(as_of)s::timestamptz[],
            %(predicted)s::timestamptz[], %(fed)s::boolean[])
    WITH ORDINALITY AS a (battery_key, unit_seq, model_key, as_of, predicted_at, is_fed, place)
CROSS JOIN unnest(%(ages_s)s::int[]) WITH ORDINALITY AS g (age_s, number)
CROSS JOIN (SELECT coalesce(max(since), '-infinity') AS since FROM filter_version) f
CROSS JOIN LATERAL (
    SELECT s.*
    FROM (VALUES (1::smallint), (2::smallint)) AS r (role)
    CROSS JOIN LATERAL (
        SELECT p.as_of, p.predicted_at, p.days_25, p.days_50, p.days_75, p.confidence
        FROM prediction p
        WHERE p.battery_key = a.battery_key AND p.role = r.role
          AND p.unit_seq = a.unit_seq AND p.model_key = a.model_key
          AND p.predicted_at <= a.predicted_at - CASE WHEN a.is_fed THEN interval '0' ELSE make_interval(secs => g.age_s) END
          AND p.predicted_at > a.predicted_at - make_interval(secs => g.age_s + %(slack_s)s)
          AND p.predicted_at >= f.since
          AND (NOT a.is_fed OR p.as_of <= a.as_of - make_interval(secs => g.age_s))
          AND p.as_of > a.as_of - make_interval(secs => g.age_s + %(slack_s)s)
        ORDER BY p.predicted_at DESC
        LIMIT 1
    ) s
    ORDER BY s.predicted_at DESC
    LIMIT 1
) p
