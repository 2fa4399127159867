-- Late rows come through a temporary table, because COPY cannot pass over rows that are there already.
CREATE TEMP TABLE IF NOT EXISTS late_incoming (LIKE reading) ON COMMIT DELETE ROWS;
COPY late_incoming FROM STDIN (FORMAT binary);
INSERT INTO late_reading SELECT *, {receive_time} FROM late_incoming ON CONFLICT DO NOTHING
