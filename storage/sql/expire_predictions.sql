-- As old as hours of readings may become.
DELETE FROM prediction WHERE predicted_at < now() - make_interval(days => %(kept_days)s)
