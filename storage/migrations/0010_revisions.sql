-- Late readings change the past of their twin: what was computed anew, and which snapshots no longer hold.

ALTER TABLE late_reading ADD COLUMN applied boolean NOT NULL DEFAULT false;
COMMENT ON TABLE late_reading IS 'Rows that came after newer ones of their twin. Estimates are those after the row, in the newest revision';
COMMENT ON COLUMN late_reading.applied IS 'true = in the state of its twin; false = more than a day older than its twin was: stored alone';

-- One row for each time that the past of a twin was computed anew.
CREATE TABLE twin_revision (
    battery_key int NOT NULL,
    revision int NOT NULL CHECK (revision > 0),
    known_at timestamptz NOT NULL,
    from_time timestamptz NOT NULL,
    PRIMARY KEY (battery_key, revision)
);
COMMENT ON COLUMN twin_revision.revision IS 'counts the revisions of a twin from 1';
COMMENT ON COLUMN twin_revision.known_at IS 'when what changed the past was received';
COMMENT ON COLUMN twin_revision.from_time IS 'sample time from which estimates changed';

-- Estimates of rows of reading as the newest revision has them; the row itself keeps what was told at the time.
CREATE TABLE revised_estimate (
    battery_key int NOT NULL,
    sample_time timestamptz NOT NULL,
    revision int NOT NULL,
    status smallint NOT NULL,
    soc real NOT NULL,
    soc_sigma real NOT NULL,
    soh_capacity real NOT NULL,
    soh_capacity_sigma real NOT NULL,
    soh_resistance real NOT NULL,
    r0_ohm real NOT NULL,
    innovation_v real NOT NULL,
    soh_resistance_sigma real NOT NULL,
    r0_sigma_ohm real NOT NULL,
    innovation_sigma_v real NOT NULL,
    PRIMARY KEY (battery_key, sample_time)
);
COMMENT ON TABLE revised_estimate IS 'Units as in reading';

ALTER TABLE twin_snapshot ADD COLUMN superseded_at timestamptz;
ALTER TABLE twin_snapshot DROP CONSTRAINT twin_snapshot_pkey;
ALTER TABLE twin_snapshot ADD PRIMARY KEY (battery_key, layout, watermark, taken_at);
COMMENT ON TABLE twin_snapshot IS 'States to restore twins from: newest ones closely spaced, older ones thinned out';
COMMENT ON COLUMN twin_snapshot.taken_at IS 'what was known until then is in it';
COMMENT ON COLUMN twin_snapshot.superseded_at IS 'since then a late reading or input belongs before its watermark; null = it holds';

ALTER TABLE twin_input ADD COLUMN known_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN twin_input.known_at IS 'when the server received it';
