-- Projections of the coming years: what was asked, and what came of it.
CREATE TABLE projection (
    projection_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    projection_id text NOT NULL UNIQUE CHECK (projection_id <> ''),
    request_id uuid NOT NULL UNIQUE,
    request bytea NOT NULL,
    location_ids text[] NOT NULL,
    battery_count int NOT NULL,
    batteries_sha256 bytea NOT NULL CHECK (length(batteries_sha256) = 32),
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    state smallint NOT NULL CHECK (state BETWEEN 1 AND 5),
    reason text NOT NULL,
    begin_at timestamptz,
    done_at timestamptz,
    took_s double precision NOT NULL,
    result bytea,
    totals bytea,
    change_request_id uuid,
    deleted_at timestamptz,
    CONSTRAINT projection_result_check CHECK ((state = 3 AND deleted_at IS NULL) = (result IS NOT NULL)),
    CONSTRAINT projection_totals_check CHECK ((result IS NULL) = (totals IS NULL))
);
CREATE INDEX projection_waiting ON projection (projection_key) WHERE state IN (1, 2);
COMMENT ON TABLE projection IS 'Projections of the coming years; one that was deleted stays without its result for a month';
COMMENT ON COLUMN projection.request_id IS 'of the call that asked, so that repeating it asks nothing twice';
COMMENT ON COLUMN projection.request IS 'batterytwin.v1.ProjectionRequest with the defaults filled in';
COMMENT ON COLUMN projection.location_ids IS 'locations in it: who may not see all of these does not see it';
COMMENT ON COLUMN projection.batteries_sha256 IS 'of the names of its batteries, in their order, a line each';
COMMENT ON COLUMN projection.state IS 'ProjectionState: 1 waiting, 2 running, 3 done, 4 cancelled, 5 failed';
COMMENT ON COLUMN projection.reason IS 'why it failed, for people; empty = it did not';
COMMENT ON COLUMN projection.begin_at IS 'the instant whose twins were copied; null = not copied yet';
COMMENT ON COLUMN projection.took_s IS 's; time that computing it took';
COMMENT ON COLUMN projection.result IS 'batterytwin.v1.Projection with nothing but the results';
COMMENT ON COLUMN projection.totals IS 'blocks replaced on each day in each member, zlib of uint32 little-endian';
COMMENT ON COLUMN projection.change_request_id IS 'of the call that cancelled or deleted it last; null = none did';
