-- The newest measurement over each whole string, so that a restart knows it as it knows the blocks' newest readings.
CREATE TABLE string_reading (
    string_id text PRIMARY KEY REFERENCES string (string_id),
    sample_time timestamptz NOT NULL,
    voltage_v real NOT NULL,
    current_a real NOT NULL,
    mode smallint NOT NULL
);
COMMENT ON TABLE string_reading IS 'Newest measurement over each whole string. NaN = not measured';
COMMENT ON COLUMN string_reading.sample_time IS 'when measured, microseconds';
COMMENT ON COLUMN string_reading.voltage_v IS 'V; over the whole string';
COMMENT ON COLUMN string_reading.current_a IS 'A; > 0 charges';
COMMENT ON COLUMN string_reading.mode IS 'StringMode that the charger reports';
