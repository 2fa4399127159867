-- Revised rows wait in a temporary table until their revision has its number.
CREATE TEMP TABLE IF NOT EXISTS revised_incoming (LIKE reading) ON COMMIT DELETE ROWS;
COPY revised_incoming FROM STDIN (FORMAT binary)
