-- What was told of one battery, oldest first; of more than `most` rows an even selection that keeps the newest.
SELECT h.*, coalesce(m.version, '') AS model_version
FROM (
    SELECT p.*, row_number() OVER (ORDER BY predicted_at DESC) - 1 AS place, count(*) OVER () AS found
    FROM prediction p
    WHERE battery_key = %(battery_key)s AND role = 1
      AND predicted_at >= %(start)s AND predicted_at < %(end)s
) h
LEFT JOIN life_model m ON m.model_key = h.model_key
WHERE place %% greatest(ceil(found::numeric / %(most)s)::bigint, 1) = 0
ORDER BY predicted_at
