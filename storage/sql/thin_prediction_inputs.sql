-- What predictions of more than two days ago rested on is kept once a day.
DELETE FROM prediction_input p
USING (
    SELECT battery_key, predicted_at,
           row_number() OVER (PARTITION BY battery_key, date_trunc('day', predicted_at) ORDER BY predicted_at) AS rank
    FROM prediction_input
    WHERE predicted_at < now() - interval '2 days'
) r
WHERE r.rank > 1 AND (p.battery_key, p.predicted_at) = (r.battery_key, r.predicted_at)
