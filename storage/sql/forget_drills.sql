-- Forgets drills that ended long ago, with what people did in them, their calls and their reports.
DELETE FROM drill WHERE stopped_at < now() - make_interval(days => %(kept_days)s)
