-- Makes a job due again before its period is over.
UPDATE scheduled_job SET begun_at = now() - make_interval(secs => %(period_s)s - %(retry_s)s) WHERE job = %(job)s
