-- Drills: what was played on copies of the twins, by whom, and how it went. What happens in one is in a database of its
-- own, which goes with it; these rows stay.
CREATE TABLE drill (
    drill_key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    drill_id text NOT NULL UNIQUE CHECK (drill_id ~ '^[a-z0-9]{1,32}$'),
    state smallint NOT NULL CHECK (state BETWEEN 1 AND 5),
    title text NOT NULL,
    reason text NOT NULL,
    parts jsonb NOT NULL,
    names text[] NOT NULL,
    location_ids text[] NOT NULL,
    battery_count int NOT NULL,
    seed bigint NOT NULL,
    speed double precision NOT NULL,
    begin_at timestamptz,
    now_at timestamptz,
    end_at timestamptz,
    started_at timestamptz NOT NULL,
    started_by text NOT NULL,
    stopped_at timestamptz,
    stopped_by text NOT NULL,
    reading_count bigint NOT NULL,
    revision int NOT NULL,
    CONSTRAINT drill_stopped_check CHECK ((state IN (4, 5)) = (stopped_at IS NOT NULL))
);
CREATE INDEX drill_active_idx ON drill (drill_key) WHERE stopped_at IS NULL;
COMMENT ON TABLE drill IS 'Drills, those that have ended included';
COMMENT ON COLUMN drill.state IS 'DrillState: 1 starting, 2 running, 3 stopping, 4 stopped, 5 failed';
COMMENT ON COLUMN drill.reason IS 'why it failed; empty = it did not';
COMMENT ON COLUMN drill.parts IS 'what happens: scenario_name, definition, targets, parameters, start_s of each part';
COMMENT ON COLUMN drill.names IS 'what was copied; empty = all';
COMMENT ON COLUMN drill.location_ids IS 'locations that it holds; who may not see all of them may not see it';
COMMENT ON COLUMN drill.speed IS 'its time over real time, as wanted';
COMMENT ON COLUMN drill.begin_at IS 'in its own time, like now_at and end_at; null = no twins were copied';
COMMENT ON COLUMN drill.end_at IS 'it ends by itself then; null = it does not';
COMMENT ON COLUMN drill.stopped_by IS 'empty = nobody, or it ended by itself';

CREATE TABLE drill_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    drill_key int NOT NULL REFERENCES drill ON DELETE CASCADE,
    changed_at timestamptz NOT NULL,
    branch_at timestamptz,
    changed_by text NOT NULL,
    words text NOT NULL
);
CREATE INDEX drill_change_drill_key_idx ON drill_change (drill_key);
COMMENT ON TABLE drill_change IS 'What people did with drills';
COMMENT ON COLUMN drill_change.branch_at IS 'in the time of the drill; null = it had none yet';

CREATE TABLE drill_request (
    request_id uuid PRIMARY KEY,
    drill_key int NOT NULL REFERENCES drill ON DELETE CASCADE
);
CREATE INDEX drill_request_drill_key_idx ON drill_request (drill_key);
COMMENT ON TABLE drill_request IS 'Calls that were heard, so that repeating one changes nothing';

CREATE TABLE drill_report (
    drill_key int PRIMARY KEY REFERENCES drill ON DELETE CASCADE,
    alerts jsonb NOT NULL,
    alert_count int NOT NULL,
    extremes text[] NOT NULL
);
COMMENT ON TABLE drill_report IS 'What happened in drills that have ended';
COMMENT ON COLUMN drill_report.alerts IS 'alerts as they stood at its end, oldest first; times in microseconds since 1970';
COMMENT ON COLUMN drill_report.alert_count IS 'alerts that it raised, those left out included';
COMMENT ON COLUMN drill_report.extremes IS 'lowest and highest of what its batteries showed, for people';
