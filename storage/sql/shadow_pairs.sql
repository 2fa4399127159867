-- Medians of a shadow beside those that were told at the same instant, of the last days.
SELECT told.days_50 AS told_days, shadow.days_50 AS shadow_days
FROM prediction shadow
JOIN prediction told USING (battery_key, predicted_at)
WHERE shadow.role = 2 AND told.role = 1 AND told.source = 1 AND shadow.model_key = %(model_key)s
  AND told.model_key = %(active_key)s AND shadow.predicted_at > now() - make_interval(days => %(window_days)s)
ORDER BY shadow.predicted_at DESC
LIMIT 50000
