-- Keeps what came of a projection that runs; one that was cancelled meanwhile stays as it is.
UPDATE projection
SET state = %(state)s, reason = %(reason)s, begin_at = %(begin)s, done_at = %(at)s, took_s = %(took_s)s,
    result = %(result)s, totals = %(totals)s
WHERE projection_id = %(projection_id)s AND state = 2
