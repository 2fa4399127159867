-- Work that comes back: when it was last begun, whoever began it.
CREATE TABLE scheduled_job (
    job text PRIMARY KEY,
    begun_at timestamptz NOT NULL
);
