-- Forgets projections that were over long ago, whether they came to a result or not.
DELETE FROM projection WHERE state NOT IN (1, 2) AND done_at < now() - make_interval(days => %(kept_days)s)
