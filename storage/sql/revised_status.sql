-- How newer revisions judge rows of some batteries after a time.
SELECT battery_key, sample_time, status FROM revised_estimate
WHERE battery_key = ANY(%(keys)s) AND sample_time > %(oldest)s
