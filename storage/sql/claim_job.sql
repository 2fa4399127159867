-- Claims a job that is due; of several servers that ask at once, one gets it.
INSERT INTO scheduled_job (job, begun_at) VALUES (%(job)s, now())
ON CONFLICT (job) DO UPDATE SET begun_at = now()
WHERE scheduled_job.begun_at <= now() - make_interval(secs => %(period_s)s)
RETURNING job
