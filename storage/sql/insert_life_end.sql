INSERT INTO life_end (battery_key, unit_seq, serial, installed_at, gone_at, until_at, outcome, event_id, made_at)
VALUES (%(battery_key)s, %(unit_seq)s, %(serial)s, %(installed)s, %(gone)s, %(until)s, %(outcome)s, %(event_id)s, now())
ON CONFLICT DO NOTHING
