-- Inventory, leases, readings, snapshots and alerts.

-- Inventory: grid > location > system > string > battery. Keys rise in order of registration, which is fleet order.

CREATE TABLE datasheet (
    model text PRIMARY KEY,
    content jsonb NOT NULL
);
COMMENT ON TABLE datasheet IS 'Nominal values of battery models';
COMMENT ON COLUMN datasheet.content IS 'Fields of BatteryDatasheet; units are in their names';

CREATE TABLE grid (
    grid_key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    grid_id text NOT NULL UNIQUE
);

CREATE TABLE location (
    location_key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    location_id text NOT NULL UNIQUE,
    grid_key int NOT NULL REFERENCES grid,
    display_name text NOT NULL,
    region text NOT NULL,
    latitude_deg double precision NOT NULL,
    longitude_deg double precision NOT NULL,
    clock smallint NOT NULL CHECK (clock IN (1, 2)),
    sample_period_s double precision NOT NULL CHECK (sample_period_s > 0)
);
COMMENT ON COLUMN location.latitude_deg IS 'degrees north';
COMMENT ON COLUMN location.longitude_deg IS 'degrees east';
COMMENT ON COLUMN location.clock IS 'LocationClock: 1 wall, 2 feed (now = newest accepted sample time)';
COMMENT ON COLUMN location.sample_period_s IS 's; normal time between two samples of a battery';

CREATE TABLE system (
    system_key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system_id text NOT NULL UNIQUE,
    location_key int NOT NULL REFERENCES location,
    kind smallint NOT NULL CHECK (kind IN (1, 2))
);
COMMENT ON COLUMN system.kind IS 'SystemKind: 1 UPS, 2 rectifier';

CREATE TABLE string (
    string_key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    string_id text NOT NULL UNIQUE,
    system_key int NOT NULL REFERENCES system,
    model text NOT NULL REFERENCES datasheet
);

-- One row for each owner of twins. A commit locks its owner's row FOR SHARE; a take-over revokes it.
CREATE TABLE lease (
    lease_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL,
    backend_pid int NOT NULL,
    backend_start timestamptz NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    revoked boolean NOT NULL DEFAULT false
);
COMMENT ON COLUMN lease.owner IS 'host and process of the owner, for people';
COMMENT ON COLUMN lease.backend_pid IS 'process id of the database session of the owner; backend_start makes it unique';

CREATE TABLE battery (
    battery_key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    battery_id text NOT NULL UNIQUE,
    string_key int NOT NULL REFERENCES string,
    position smallint NOT NULL CHECK (position > 0),
    serial text NOT NULL,
    unit_seq smallint NOT NULL DEFAULT 1,
    installed_on date NOT NULL,
    lease_id bigint REFERENCES lease,
    UNIQUE (string_key, position)
);
COMMENT ON COLUMN battery.battery_id IS 'name of the slot';
COMMENT ON COLUMN battery.position IS '1 = at the positive end of the string';
COMMENT ON COLUMN battery.unit_seq IS 'counts the blocks that have stood in this slot';
COMMENT ON COLUMN battery.lease_id IS 'owner whose commits may concern this battery';
CREATE INDEX battery_lease_id_idx ON battery (lease_id);

-- Readings, one partition a UTC day (reading_YYYYMMDD). No key and no foreign key: the owner of a twin guarantees
-- that a row comes once, and every index costs bulk loading a third of its speed. A closed day gets a btree.
CREATE TABLE reading (
    battery_key int NOT NULL,
    sample_time timestamptz NOT NULL,
    voltage_v real NOT NULL,
    current_a real NOT NULL,
    temperature_c real NOT NULL,
    internal_resistance_mohm real NOT NULL,
    status smallint NOT NULL,
    soc real NOT NULL,
    soc_sigma real NOT NULL,
    soh_capacity real NOT NULL,
    soh_capacity_sigma real NOT NULL,
    soh_resistance real NOT NULL,
    r0_ohm real NOT NULL,
    innovation_v real NOT NULL
) PARTITION BY RANGE (sample_time);
CREATE INDEX reading_sample_time_brin ON reading USING brin (sample_time) WITH (pages_per_range = 32);
COMMENT ON TABLE reading IS 'What was measured and what the twin made of it. NaN = not measured or not known';
COMMENT ON COLUMN reading.sample_time IS 'when measured, microseconds';
COMMENT ON COLUMN reading.voltage_v IS 'V; terminal voltage of the block';
COMMENT ON COLUMN reading.current_a IS 'A; > 0 charges';
COMMENT ON COLUMN reading.temperature_c IS 'degC; at the negative post';
COMMENT ON COLUMN reading.internal_resistance_mohm IS 'mOhm; as the instrument measured it';
COMMENT ON COLUMN reading.status IS 'bits 0-3 flags, 4-7 reported string mode, 8-11 regime';
COMMENT ON COLUMN reading.soc IS '0...1; charge left / present capacity, after this reading';
COMMENT ON COLUMN reading.soc_sigma IS '0...1; standard deviation of soc';
COMMENT ON COLUMN reading.soh_capacity IS 'ratio; capacity / rated capacity';
COMMENT ON COLUMN reading.soh_capacity_sigma IS 'ratio; standard deviation of soh_capacity';
COMMENT ON COLUMN reading.soh_resistance IS 'ratio; r0 / r0 when new, at 25 degC';
COMMENT ON COLUMN reading.r0_ohm IS 'Ohm; series resistance that the twin estimates';
COMMENT ON COLUMN reading.innovation_v IS 'V; measured - predicted terminal voltage';

-- Rows older than their twin's watermark: stored, not applied.
CREATE TABLE late_reading (
    LIKE reading INCLUDING COMMENTS,
    receive_time timestamptz NOT NULL,
    PRIMARY KEY (battery_key, sample_time)
);
COMMENT ON COLUMN late_reading.receive_time IS 'when the server received the row';

CREATE TABLE twin_snapshot (
    battery_key int NOT NULL,
    watermark timestamptz NOT NULL,
    layout text NOT NULL,
    state bytea NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (battery_key, watermark, layout)
);
COMMENT ON TABLE twin_snapshot IS 'States to restore twins from; the newest two of each battery are kept';
COMMENT ON COLUMN twin_snapshot.watermark IS 'sample time of the newest row that the state contains';
COMMENT ON COLUMN twin_snapshot.layout IS 'name of the layout of state and of the filter version';
COMMENT ON COLUMN twin_snapshot.sha256 IS 'SHA-256 of state';

-- No foreign keys: an alert of a gateway has no battery, and no alert may hold up the readings that caused it.
CREATE TABLE alert (
    alert_id text PRIMARY KEY,
    battery_key int,
    string_id text NOT NULL,
    location_id text NOT NULL,
    rule smallint NOT NULL,
    severity smallint NOT NULL CHECK (severity BETWEEN 1 AND 3),
    raised_at timestamptz NOT NULL,
    cleared_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text NOT NULL DEFAULT '',
    acknowledged_note text NOT NULL DEFAULT '',
    resolved_at timestamptz,
    resolved_by text NOT NULL DEFAULT '',
    resolved_note text NOT NULL DEFAULT '',
    shelved_until timestamptz,
    value double precision NOT NULL,
    threshold double precision NOT NULL,
    unit text NOT NULL,
    message text NOT NULL
);
CREATE INDEX alert_raised_at_idx ON alert (raised_at);
CREATE INDEX alert_open_idx ON alert (location_id, raised_at) WHERE cleared_at IS NULL AND resolved_at IS NULL;
COMMENT ON COLUMN alert.battery_key IS 'null = concerns a whole string or gateway';
COMMENT ON COLUMN alert.string_id IS 'empty = concerns a whole gateway';
COMMENT ON COLUMN alert.rule IS 'AlertRule';
COMMENT ON COLUMN alert.severity IS 'Severity: 1 info, 2 warning, 3 critical';
COMMENT ON COLUMN alert.raised_at IS 'sample time that completed the condition';
COMMENT ON COLUMN alert.cleared_at IS 'sample time that ended the condition; null = it lasts';
COMMENT ON COLUMN alert.value IS 'value that met the condition, in unit';
COMMENT ON COLUMN alert.threshold IS 'limit that was passed, in unit';

CREATE TABLE alert_change (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id text NOT NULL REFERENCES alert,
    change smallint NOT NULL CHECK (change BETWEEN 1 AND 6),
    severity smallint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL DEFAULT '',
    UNIQUE (alert_id, change, at)
);
COMMENT ON TABLE alert_change IS 'What happened to alerts. seq rises in order of commit, so a reader that has seen seq n has seen all before it';
COMMENT ON COLUMN alert_change.change IS 'AlertChange: 1 raised, 2 escalated, 3 cleared, 4 acknowledged, 5 resolved, 6 reopened';
COMMENT ON COLUMN alert_change.severity IS 'severity after the change';
COMMENT ON COLUMN alert_change.at IS 'sample time for changes made by a rule, server time for changes made by a person';
COMMENT ON COLUMN alert_change.actor IS 'who made the change; empty = a rule';

-- One writer of alerts at a time, held until its commit: this makes seq order = commit order. Both tables ask for it,
-- so that no writer can hold a row of alert while it waits here (deadlock). Who locks a row of alert with
-- SELECT ... FOR UPDATE must call lock_alerts() before.
CREATE FUNCTION lock_alerts() RETURNS void LANGUAGE sql AS
    'SELECT pg_advisory_xact_lock(6203154001)';

CREATE FUNCTION lock_alerts_before_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_alerts();
    RETURN NULL;
END
$$;

CREATE TRIGGER one_writer BEFORE INSERT OR UPDATE OR DELETE ON alert
    FOR EACH STATEMENT EXECUTE FUNCTION lock_alerts_before_statement();
CREATE TRIGGER one_writer BEFORE INSERT OR UPDATE OR DELETE ON alert_change
    FOR EACH STATEMENT EXECUTE FUNCTION lock_alerts_before_statement();

-- Locks the lease of a commit until the commit ends, or ends the commit.
CREATE FUNCTION hold_lease(held bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM lease WHERE lease_id = held AND NOT revoked FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'lease % is revoked', held USING ERRCODE = 'BT001';
    END IF;
END
$$;
