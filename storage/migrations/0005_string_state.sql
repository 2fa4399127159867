-- What the analysis of strings remembers: baselines of a month, so that a restart does not begin to learn anew.
CREATE TABLE string_state (
    string_id text PRIMARY KEY REFERENCES string (string_id),
    as_of timestamptz NOT NULL,
    layout text NOT NULL,
    state bytea NOT NULL,
    digest bytea NOT NULL
);
COMMENT ON TABLE string_state IS 'Newest state of the analysis of each string; not part of the record, it can be learnt again';
COMMENT ON COLUMN string_state.as_of IS 'sample time of the newest frame in it';
COMMENT ON COLUMN string_state.layout IS 'names the meaning of the bytes';
COMMENT ON COLUMN string_state.digest IS 'SHA-256 of state';
