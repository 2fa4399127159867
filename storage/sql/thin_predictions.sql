-- Hours become days: of each battery, role and day the first prediction stays.
DELETE FROM prediction p
USING (
    SELECT battery_key, role, predicted_at,
           row_number() OVER (
               PARTITION BY battery_key, role, date_trunc('day', predicted_at) ORDER BY predicted_at
           ) AS rank
    FROM prediction
    WHERE predicted_at < now() - make_interval(days => %(hourly_days)s)
) r
WHERE r.rank > 1
  AND (p.battery_key, p.role, p.predicted_at) = (r.battery_key, r.role, r.predicted_at)
