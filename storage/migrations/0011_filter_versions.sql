-- Which filter wrote the estimates of a time: a row whenever a server starts with another one than before.
CREATE TABLE filter_version (
    since timestamptz PRIMARY KEY,
    version text NOT NULL,
    layout text NOT NULL
);
COMMENT ON COLUMN filter_version.since IS 'readings received from then on went through this version';
