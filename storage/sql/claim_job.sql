-- Claims a job that is due; of several servers that ask at once, one gets it. One that was begun in the future is due: the
-- clock was ahead for a time, and nothing would be done until then. A minute is more than servers that ask at once differ.
INSERT INTO scheduled_job (job, begun_at) VALUES (%(job)s, now())
ON CONFLICT (job) DO UPDATE SET begun_at = now()
WHERE scheduled_job.begun_at <= now() - make_interval(secs => %(period_s)s)
   OR scheduled_job.begun_at > now() + interval '1 minute'
RETURNING job
