DELETE FROM event WHERE event_id = ANY(%(event_ids)s) AND kind = 3
