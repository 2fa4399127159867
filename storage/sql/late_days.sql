-- Days before a day for which late rows came and no more have come for a while, since 1970-01-01.
SELECT (l.sample_time AT TIME ZONE 'UTC')::date - '1970-01-01'::date AS day
FROM late_reading l
WHERE l.sample_time < %(before)s
GROUP BY day
HAVING max(l.received_s) < extract(epoch FROM %(quiet_since)s::timestamptz)::bigint - 1577836800
