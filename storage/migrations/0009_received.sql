-- When the server received each row, so that "what was known then" can be answered for every past moment. Four bytes at
-- the end of a row cost no space: the row was padded there. Rows of before are known since ever.
ALTER TABLE reading ADD COLUMN received_s int NOT NULL DEFAULT 0;
ALTER TABLE reading ALTER COLUMN received_s DROP DEFAULT;
ALTER TABLE late_reading ADD COLUMN received_s int;
UPDATE late_reading SET received_s = extract(epoch FROM receive_time)::bigint - 1577836800;
ALTER TABLE late_reading ALTER COLUMN received_s SET NOT NULL, DROP COLUMN receive_time;
COMMENT ON COLUMN reading.received_s IS 's since 2020-01-01 UTC; when the server received the row';
COMMENT ON COLUMN late_reading.received_s IS 's since 2020-01-01 UTC; when the server received the row';
