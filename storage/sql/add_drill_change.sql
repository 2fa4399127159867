INSERT INTO drill_change (drill_key, changed_at, branch_at, changed_by, words)
SELECT drill_key, %(changed_at)s, %(branch_at)s::timestamptz, %(changed_by)s, %(words)s FROM drill WHERE drill_id = %(drill_id)s
