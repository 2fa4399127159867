-- History that came in late and has not been looked through for outages yet: it outlasts a restart of the server.
CREATE TABLE noted_history (
    location_id text PRIMARY KEY REFERENCES location (location_id),
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL CHECK (end_time >= start_time)
);
COMMENT ON TABLE noted_history IS 'History of each location that is still to be looked through for outages';
COMMENT ON COLUMN noted_history.start_time IS 'earliest sample of it, or somewhat before';
COMMENT ON COLUMN noted_history.end_time IS 'latest sample of it, or somewhat after';
