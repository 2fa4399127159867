-- States of the model that are stored once an hour, each column packed as in history_raw.sql.
SELECT string_agg(timestamptz_send(sample_time), '' ORDER BY sample_time) AS sample_time, {columns}
FROM model_trace
WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
