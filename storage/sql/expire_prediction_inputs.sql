DELETE FROM prediction_input WHERE predicted_at < now() - make_interval(days => %(kept_days)s)
