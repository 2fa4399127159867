-- The schema that all migrations together make. Written by `python -m storage.schema_dump`.

CREATE FUNCTION public.hold_lease(held bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM FROM lease WHERE lease_id = held AND NOT revoked FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'lease % is revoked', held USING ERRCODE = 'BT001';
    END IF;
END
$$;

CREATE FUNCTION public.lock_alerts() RETURNS void
    LANGUAGE sql
    AS $$SELECT pg_advisory_xact_lock(6203154001)$$;

CREATE FUNCTION public.lock_alerts_before_statement() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM lock_alerts();
    RETURN NULL;
END
$$;

CREATE FUNCTION public.refuse_change_of_audit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'BT002';
END
$$;

CREATE FUNCTION public.refuse_change_of_row() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END
$$;

CREATE TABLE public.alert (
    alert_id text NOT NULL,
    battery_key integer,
    string_id text NOT NULL,
    location_id text NOT NULL,
    rule smallint NOT NULL,
    severity smallint NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    cleared_at timestamp with time zone,
    acknowledged_at timestamp with time zone,
    acknowledged_by text DEFAULT ''::text NOT NULL,
    acknowledged_note text DEFAULT ''::text NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text DEFAULT ''::text NOT NULL,
    resolved_note text DEFAULT ''::text NOT NULL,
    shelved_until timestamp with time zone,
    value double precision NOT NULL,
    threshold double precision NOT NULL,
    unit text NOT NULL,
    message text NOT NULL,
    CONSTRAINT alert_severity_check CHECK (((severity >= 1) AND (severity <= 3)))
);
COMMENT ON COLUMN public.alert.battery_key IS 'null = concerns a whole string or gateway';
COMMENT ON COLUMN public.alert.string_id IS 'empty = concerns a whole gateway';
COMMENT ON COLUMN public.alert.rule IS 'AlertRule';
COMMENT ON COLUMN public.alert.severity IS 'Severity: 1 info, 2 warning, 3 critical';
COMMENT ON COLUMN public.alert.raised_at IS 'sample time that completed the condition';
COMMENT ON COLUMN public.alert.cleared_at IS 'sample time that ended the condition; null = it lasts';
COMMENT ON COLUMN public.alert.value IS 'value that met the condition, in unit';
COMMENT ON COLUMN public.alert.threshold IS 'limit that was passed, in unit';

CREATE TABLE public.alert_change (
    seq bigint NOT NULL,
    alert_id text NOT NULL,
    change smallint NOT NULL,
    severity smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text DEFAULT ''::text NOT NULL,
    CONSTRAINT alert_change_change_check CHECK (((change >= 1) AND (change <= 6)))
);

COMMENT ON TABLE public.alert_change IS 'What happened to alerts. seq rises in order of commit, so a reader that has seen seq n has seen all before it';
COMMENT ON COLUMN public.alert_change.change IS 'AlertChange: 1 raised, 2 escalated, 3 cleared, 4 acknowledged, 5 resolved, 6 reopened';
COMMENT ON COLUMN public.alert_change.severity IS 'severity after the change';
COMMENT ON COLUMN public.alert_change.at IS 'sample time for changes made by a rule, server time for changes made by a person';
COMMENT ON COLUMN public.alert_change.actor IS 'who made the change; empty = a rule';
ALTER TABLE public.alert_change ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_change_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.battery (
    battery_key integer NOT NULL,
    battery_id text NOT NULL,
    string_key integer NOT NULL,
    "position" smallint NOT NULL,
    serial text NOT NULL,
    unit_seq smallint DEFAULT 1 NOT NULL,
    installed_on date NOT NULL,
    lease_id bigint,
    CONSTRAINT battery_position_check CHECK (("position" > 0))
);
COMMENT ON COLUMN public.battery.battery_id IS 'name of the slot';
COMMENT ON COLUMN public.battery."position" IS '1 = at the positive end of the string';
COMMENT ON COLUMN public.battery.serial IS 'of the first block of the slot';
COMMENT ON COLUMN public.battery.unit_seq IS 'number of the first block of the slot';
COMMENT ON COLUMN public.battery.installed_on IS 'when the first block of the slot came into service';
COMMENT ON COLUMN public.battery.lease_id IS 'owner whose commits may concern this battery';

CREATE TABLE public.location (
    location_key integer NOT NULL,
    location_id text NOT NULL,
    grid_key integer NOT NULL,
    display_name text NOT NULL,
    region text NOT NULL,
    latitude_deg double precision NOT NULL,
    longitude_deg double precision NOT NULL,
    clock smallint NOT NULL,
    sample_period_s double precision NOT NULL,
    CONSTRAINT location_clock_check CHECK ((clock = ANY (ARRAY[1, 2]))),
    CONSTRAINT location_sample_period_s_check CHECK ((sample_period_s > (0)::double precision))
);
COMMENT ON COLUMN public.location.latitude_deg IS 'degrees north';
COMMENT ON COLUMN public.location.longitude_deg IS 'degrees east';
COMMENT ON COLUMN public.location.clock IS 'LocationClock: 1 wall, 2 feed (now = newest accepted sample time)';
COMMENT ON COLUMN public.location.sample_period_s IS 's; normal time between two samples of a battery';

CREATE TABLE public.string (
    string_key integer NOT NULL,
    string_id text NOT NULL,
    system_key integer NOT NULL,
    model text NOT NULL
);

CREATE TABLE public.system (
    system_key integer NOT NULL,
    system_id text NOT NULL,
    location_key integer NOT NULL,
    kind smallint NOT NULL,
    CONSTRAINT system_kind_check CHECK ((kind = ANY (ARRAY[1, 2])))
);
COMMENT ON COLUMN public.system.kind IS 'SystemKind: 1 UPS, 2 rectifier';

CREATE VIEW public.alert_status AS
 SELECT a.alert_id,
    COALESCE(b.battery_id, ''::text) AS battery_id,
    COALESCE(t.string_id, a.string_id) AS string_id,
    COALESCE(l.location_id, a.location_id) AS location_id,
    a.rule,
    a.severity,
        CASE
            WHEN (a.resolved_at IS NOT NULL) THEN 4
            WHEN ((a.cleared_at IS NOT NULL) AND (a.acknowledged_at IS NOT NULL)) THEN 4
            WHEN (a.shelved_until > now()) THEN 5
            WHEN (a.cleared_at IS NOT NULL) THEN 3
            WHEN (a.acknowledged_at IS NOT NULL) THEN 2
            ELSE 1
        END AS state,
    a.message,
    a.value,
    a.threshold,
    a.unit,
    a.raised_at,
    a.cleared_at,
    a.acknowledged_at,
    a.acknowledged_by,
    a.acknowledged_note,
    a.resolved_at,
    a.resolved_by,
    a.resolved_note
   FROM ((((public.alert a
     LEFT JOIN public.battery b USING (battery_key))
     LEFT JOIN public.string t USING (string_key))
     LEFT JOIN public.system s USING (system_key))
     LEFT JOIN public.location l USING (location_key));
COMMENT ON COLUMN public.alert_status.state IS 'AlertState: 1 raised, 2 acknowledged, 3 cleared, 4 resolved, 5 shelved';

CREATE TABLE public.app_user (
    user_key integer NOT NULL,
    username text NOT NULL,
    password_hash text NOT NULL,
    role smallint NOT NULL,
    all_locations boolean NOT NULL,
    disabled boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT app_user_role_check CHECK (((role >= 1) AND (role <= 3))),
    CONSTRAINT app_user_username_check CHECK ((username ~ '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$'::text))
);
COMMENT ON COLUMN public.app_user.password_hash IS 'argon2id in PHC string format: parameters, salt and hash';
COMMENT ON COLUMN public.app_user.role IS 'Role: 1 viewer, 2 engineer, 3 admin';
COMMENT ON COLUMN public.app_user.all_locations IS 'true = every location, also future ones; false = those in user_location alone';
ALTER TABLE public.app_user ALTER COLUMN user_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.app_user_user_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.archive_file (
    file_key bigint NOT NULL,
    path text NOT NULL,
    kind smallint NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    first_battery_key integer NOT NULL,
    last_battery_key integer NOT NULL,
    row_count bigint NOT NULL,
    byte_count bigint NOT NULL,
    sha256 bytea NOT NULL,
    sealed_at timestamp with time zone DEFAULT now() NOT NULL,
    superseded_at timestamp with time zone,
    CONSTRAINT archive_file_byte_count_check CHECK ((byte_count > 0)),
    CONSTRAINT archive_file_check CHECK ((last_day >= first_day)),
    CONSTRAINT archive_file_check1 CHECK ((last_battery_key >= first_battery_key)),
    CONSTRAINT archive_file_kind_check CHECK ((kind = ANY (ARRAY[1, 2]))),
    CONSTRAINT archive_file_row_count_check CHECK (((row_count > 0) OR (kind = 2))),
    CONSTRAINT archive_file_sha256_check CHECK ((octet_length(sha256) = 32))
);

COMMENT ON TABLE public.archive_file IS 'Files of the archive: one a span of whole UTC days and a block of batteries';
COMMENT ON COLUMN public.archive_file.path IS 'within the archive folder';
COMMENT ON COLUMN public.archive_file.kind IS '1 readings, 2 hours';
COMMENT ON COLUMN public.archive_file.last_day IS 'last day, inclusive';
COMMENT ON COLUMN public.archive_file.sha256 IS 'SHA-256 of the file';
COMMENT ON COLUMN public.archive_file.superseded_at IS 'when another file took its rows over; it is removed later. null = current';
ALTER TABLE public.archive_file ALTER COLUMN file_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.archive_file_file_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.archive_state (
    one_row boolean DEFAULT true NOT NULL,
    version bigint NOT NULL,
    owner uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT archive_state_one_row_check CHECK (one_row)
);
COMMENT ON COLUMN public.archive_state.version IS 'rises with every transaction that moves rows';
COMMENT ON COLUMN public.archive_state.owner IS 'names this database in the folder of its archive; a restored one is another';

CREATE TABLE public.audit_entry (
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    peer text NOT NULL,
    request_id text NOT NULL
);

COMMENT ON TABLE public.audit_entry IS 'Append-only: who did what, when, why and from where';
COMMENT ON COLUMN public.audit_entry.peer IS 'network address of the caller, or "command line"';
ALTER TABLE public.audit_entry ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_entry_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.battery ALTER COLUMN battery_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.battery_battery_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.battery_unit (
    battery_key integer NOT NULL,
    unit_seq smallint NOT NULL,
    serial text NOT NULL,
    since timestamp with time zone NOT NULL,
    event_id text NOT NULL,
    CONSTRAINT battery_unit_serial_check CHECK ((serial <> ''::text)),
    CONSTRAINT battery_unit_unit_seq_check CHECK ((unit_seq > 1))
);

COMMENT ON TABLE public.battery_unit IS 'Blocks after the first of their slot; that one stands in battery';
COMMENT ON COLUMN public.battery_unit.unit_seq IS 'counts the blocks of the slot';
COMMENT ON COLUMN public.battery_unit.since IS 'in service from then on, until the next one of the slot';

CREATE TABLE public.datasheet (
    model text NOT NULL,
    content jsonb NOT NULL
);

COMMENT ON TABLE public.datasheet IS 'Nominal values of battery models';
COMMENT ON COLUMN public.datasheet.content IS 'Fields of BatteryDatasheet; units are in their names';

CREATE TABLE public.drill (
    drill_key integer NOT NULL,
    drill_id text NOT NULL,
    state smallint NOT NULL,
    title text NOT NULL,
    reason text NOT NULL,
    parts jsonb NOT NULL,
    names text[] NOT NULL,
    location_ids text[] NOT NULL,
    battery_count integer NOT NULL,
    seed bigint NOT NULL,
    speed double precision NOT NULL,
    begin_at timestamp with time zone,
    now_at timestamp with time zone,
    end_at timestamp with time zone,
    started_at timestamp with time zone NOT NULL,
    started_by text NOT NULL,
    stopped_at timestamp with time zone,
    stopped_by text NOT NULL,
    reading_count bigint NOT NULL,
    revision integer NOT NULL,
    CONSTRAINT drill_drill_id_check CHECK ((drill_id ~ '^[a-z0-9]{1,32}$'::text)),
    CONSTRAINT drill_state_check CHECK (((state >= 1) AND (state <= 5))),
    CONSTRAINT drill_stopped_check CHECK (((state = ANY (ARRAY[4, 5])) = (stopped_at IS NOT NULL)))
);

COMMENT ON TABLE public.drill IS 'Drills, those that have ended included';
COMMENT ON COLUMN public.drill.state IS 'DrillState: 1 starting, 2 running, 3 stopping, 4 stopped, 5 failed';
COMMENT ON COLUMN public.drill.reason IS 'why it failed; empty = it did not';
COMMENT ON COLUMN public.drill.parts IS 'what happens: scenario_name, definition, targets, parameters, start_s of each part';
COMMENT ON COLUMN public.drill.names IS 'what was copied; empty = all';
COMMENT ON COLUMN public.drill.location_ids IS 'locations that it holds; who may not see all of them may not see it';
COMMENT ON COLUMN public.drill.speed IS 'its time over real time, as wanted';
COMMENT ON COLUMN public.drill.begin_at IS 'in its own time, like now_at and end_at; null = no twins were copied';
COMMENT ON COLUMN public.drill.end_at IS 'it ends by itself then; null = it does not';
COMMENT ON COLUMN public.drill.stopped_by IS 'empty = nobody, or it ended by itself';

CREATE TABLE public.drill_change (
    change_id bigint NOT NULL,
    drill_key integer NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    branch_at timestamp with time zone,
    changed_by text NOT NULL,
    words text NOT NULL
);

COMMENT ON TABLE public.drill_change IS 'What people did with drills';
COMMENT ON COLUMN public.drill_change.branch_at IS 'in the time of the drill; null = it had none yet';
ALTER TABLE public.drill_change ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.drill_change_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.drill ALTER COLUMN drill_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.drill_drill_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.drill_report (
    drill_key integer NOT NULL,
    alerts jsonb NOT NULL,
    alert_count integer NOT NULL,
    extremes text[] NOT NULL
);

COMMENT ON TABLE public.drill_report IS 'What happened in drills that have ended';
COMMENT ON COLUMN public.drill_report.alerts IS 'alerts as they stood at its end, oldest first; times in microseconds since 1970';
COMMENT ON COLUMN public.drill_report.alert_count IS 'alerts that it raised, those left out included';
COMMENT ON COLUMN public.drill_report.extremes IS 'lowest and highest of what its batteries showed, for people';

CREATE TABLE public.drill_request (
    request_id uuid NOT NULL,
    drill_key integer NOT NULL
);

COMMENT ON TABLE public.drill_request IS 'Calls that were heard, so that repeating one changes nothing';

CREATE TABLE public.event (
    event_key bigint NOT NULL,
    event_id text NOT NULL,
    request_id text NOT NULL,
    kind smallint NOT NULL,
    location_id text NOT NULL,
    string_id text DEFAULT ''::text NOT NULL,
    battery_key integer,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone,
    note text DEFAULT ''::text NOT NULL,
    discharged_ah double precision,
    current_a double precision,
    temperature_c double precision,
    end_voltage_v double precision,
    recorded_by text NOT NULL,
    record_time timestamp with time zone NOT NULL,
    old_serial text,
    new_serial text,
    discharge_positive boolean,
    offset_a double precision,
    replacement_reason smallint,
    CONSTRAINT event_check CHECK ((end_time >= start_time)),
    CONSTRAINT event_check1 CHECK (((kind = 4) = (num_nonnulls(discharged_ah, current_a, temperature_c, end_voltage_v) = 4))),
    CONSTRAINT event_check2 CHECK (((kind <> 4) OR (battery_key IS NOT NULL))),
    CONSTRAINT event_current_a_check CHECK ((current_a > (0)::double precision)),
    CONSTRAINT event_discharged_ah_check CHECK ((discharged_ah > (0)::double precision)),
    CONSTRAINT event_kind_check CHECK (((kind >= 1) AND (kind <= 7))),
    CONSTRAINT event_reason_check CHECK (((replacement_reason IS NULL) OR ((kind = 6) AND (replacement_reason = ANY (ARRAY[1, 2]))))),
    CONSTRAINT event_replacement_check CHECK ((((kind = 6) = (num_nonnulls(old_serial, new_serial) = 2)) AND ((kind <> 6) OR (battery_key IS NOT NULL)))),
    CONSTRAINT event_sensor_check CHECK (((kind = 7) = (discharge_positive IS NOT NULL)))
);

COMMENT ON TABLE public.event IS 'What people did, and what happened to the mains';
COMMENT ON COLUMN public.event.request_id IS 'names the call that recorded it; the same one records nothing more';
COMMENT ON COLUMN public.event.kind IS 'EventKind: 1 maintenance, 2 inspection, 3 outage, 4 capacity test, 5 impedance test, 6 replacement, 7 current sensor';
COMMENT ON COLUMN public.event.string_id IS 'empty = the whole location';
COMMENT ON COLUMN public.event.battery_key IS 'null = the whole string or location';
COMMENT ON COLUMN public.event.end_time IS 'null = at once, or it lasts';
COMMENT ON COLUMN public.event.discharged_ah IS 'Ah; capacity test: charge taken out';
COMMENT ON COLUMN public.event.current_a IS 'A; capacity test: size of the mean current';
COMMENT ON COLUMN public.event.temperature_c IS 'degC; capacity test: mean temperature of the block';
COMMENT ON COLUMN public.event.end_voltage_v IS 'V; capacity test: voltage of the block at the end';
COMMENT ON COLUMN public.event.recorded_by IS 'user name; "server" = found by the server itself';
COMMENT ON COLUMN public.event.old_serial IS 'replacement: serial number of the block that went';
COMMENT ON COLUMN public.event.new_serial IS 'replacement: serial number of the block that came';
COMMENT ON COLUMN public.event.discharge_positive IS 'current sensor: the gateway counts a discharge as positive from then on';
COMMENT ON COLUMN public.event.offset_a IS 'A; current sensor: what it reads without any current; null = nobody has looked';
COMMENT ON COLUMN public.event.replacement_reason IS 'ReplacementReason: 1 the block had come to the end of its life, 2 another one; null = nobody has said';
ALTER TABLE public.event ALTER COLUMN event_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.event_event_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.event_with_battery AS
 SELECT e.event_key,
    e.event_id,
    e.request_id,
    e.kind,
    e.location_id,
    e.string_id,
    e.battery_key,
    e.start_time,
    e.end_time,
    e.note,
    e.discharged_ah,
    e.current_a,
    e.temperature_c,
    e.end_voltage_v,
    e.recorded_by,
    e.record_time,
    e.old_serial,
    e.new_serial,
    e.discharge_positive,
    e.offset_a,
    e.replacement_reason,
    COALESCE(b.battery_id, ''::text) AS battery_id
   FROM (public.event e
     LEFT JOIN public.battery b USING (battery_key));

CREATE TABLE public.filter_version (
    since timestamp with time zone NOT NULL,
    version text NOT NULL,
    layout text NOT NULL
);
COMMENT ON COLUMN public.filter_version.since IS 'readings received from then on went through this version';

CREATE TABLE public.gateway_token (
    token_id text NOT NULL,
    secret_sha256 bytea NOT NULL,
    location_id text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT gateway_token_secret_sha256_check CHECK ((octet_length(secret_sha256) = 32))
);
COMMENT ON COLUMN public.gateway_token.secret_sha256 IS 'plain SHA-256: the secret has 256 random bits, so it cannot be guessed from it';
COMMENT ON COLUMN public.gateway_token.last_used_at IS 'to the minute or so; null = never';

CREATE TABLE public.grid (
    grid_key integer NOT NULL,
    grid_id text NOT NULL
);
ALTER TABLE public.grid ALTER COLUMN grid_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.grid_grid_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.late_reading (
    battery_key integer NOT NULL,
    sample_time timestamp with time zone NOT NULL,
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
    innovation_v real NOT NULL,
    soh_resistance_sigma real NOT NULL,
    r0_sigma_ohm real NOT NULL,
    innovation_sigma_v real NOT NULL,
    received_s integer NOT NULL,
    applied boolean DEFAULT false NOT NULL
);

COMMENT ON TABLE public.late_reading IS 'Rows that came after newer ones of their twin. Estimates are those after the row, in the newest revision';
COMMENT ON COLUMN public.late_reading.sample_time IS 'when measured, microseconds';
COMMENT ON COLUMN public.late_reading.voltage_v IS 'V; terminal voltage of the block';
COMMENT ON COLUMN public.late_reading.current_a IS 'A; > 0 charges';
COMMENT ON COLUMN public.late_reading.temperature_c IS 'degC; at the negative post';
COMMENT ON COLUMN public.late_reading.internal_resistance_mohm IS 'mOhm; as the instrument measured it';
COMMENT ON COLUMN public.late_reading.status IS 'bits 0-3 flags, 4-7 reported string mode, 8-11 regime';
COMMENT ON COLUMN public.late_reading.soc IS '0...1; charge left / present capacity, after this reading';
COMMENT ON COLUMN public.late_reading.soc_sigma IS '0...1; standard deviation of soc';
COMMENT ON COLUMN public.late_reading.soh_capacity IS 'ratio; capacity / rated capacity';
COMMENT ON COLUMN public.late_reading.soh_capacity_sigma IS 'ratio; standard deviation of soh_capacity';
COMMENT ON COLUMN public.late_reading.soh_resistance IS 'ratio; r0 / r0 when new, at 25 degC';
COMMENT ON COLUMN public.late_reading.r0_ohm IS 'Ohm; series resistance that the twin estimates';
COMMENT ON COLUMN public.late_reading.innovation_v IS 'V; measured - predicted terminal voltage';
COMMENT ON COLUMN public.late_reading.soh_resistance_sigma IS 'ratio; standard deviation of soh_resistance';
COMMENT ON COLUMN public.late_reading.r0_sigma_ohm IS 'Ohm; standard deviation of r0_ohm';
COMMENT ON COLUMN public.late_reading.innovation_sigma_v IS 'V; size of the innovation that the filter expected';
COMMENT ON COLUMN public.late_reading.received_s IS 's since 2020-01-01 UTC; when the server received the row';
COMMENT ON COLUMN public.late_reading.applied IS 'true = in the state of its twin; false = more than a day older than its twin was: stored alone';

CREATE TABLE public.lease (
    lease_id bigint NOT NULL,
    owner text NOT NULL,
    backend_pid integer NOT NULL,
    backend_start timestamp with time zone NOT NULL,
    taken_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked boolean DEFAULT false NOT NULL
);
COMMENT ON COLUMN public.lease.owner IS 'host and process of the owner, for people';
COMMENT ON COLUMN public.lease.backend_pid IS 'process id of the database session of the owner; backend_start makes it unique';
ALTER TABLE public.lease ALTER COLUMN lease_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.lease_lease_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.life_case (
    battery_key integer NOT NULL,
    unit_seq smallint NOT NULL,
    as_of timestamp with time zone NOT NULL,
    predicted_at timestamp with time zone NOT NULL,
    model_key integer NOT NULL,
    told_days real NOT NULL,
    model_days real NOT NULL,
    inputs_layout text NOT NULL,
    inputs bytea NOT NULL
);

COMMENT ON TABLE public.life_case IS 'The last prediction of each month of a life before its end, with what it rested on';
COMMENT ON COLUMN public.life_case.as_of IS 'newest reading that the prediction rested on';
COMMENT ON COLUMN public.life_case.model_key IS 'as in prediction';
COMMENT ON COLUMN public.life_case.told_days IS 'days; median that was told, from as_of on';
COMMENT ON COLUMN public.life_case.model_days IS 'days; median of the model alone; NaN = it had no say';
COMMENT ON COLUMN public.life_case.inputs_layout IS 'names the columns of inputs';
COMMENT ON COLUMN public.life_case.inputs IS 'as in prediction_input';

CREATE TABLE public.life_end (
    battery_key integer NOT NULL,
    unit_seq smallint NOT NULL,
    serial text NOT NULL,
    installed_at timestamp with time zone NOT NULL,
    gone_at timestamp with time zone NOT NULL,
    until_at timestamp with time zone NOT NULL,
    outcome smallint NOT NULL,
    event_id text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT life_end_outcome_check CHECK (((outcome >= 1) AND (outcome <= 4)))
);

COMMENT ON TABLE public.life_end IS 'What became of each block that has gone, as it was known when its replacement was recorded';
COMMENT ON COLUMN public.life_end.unit_seq IS 'block in the slot';
COMMENT ON COLUMN public.life_end.installed_at IS 'when it came into service';
COMMENT ON COLUMN public.life_end.gone_at IS 'when the next block of the slot came into service';
COMMENT ON COLUMN public.life_end.until_at IS 'end of its life; where outcome is 4, how long it is known to have lived at least';
COMMENT ON COLUMN public.life_end.outcome IS 'LifeOutcome: at its end by 1 a capacity test, 2 the word of who replaced it, 3 its twin; 4 replaced for another reason';
COMMENT ON COLUMN public.life_end.event_id IS 'replacement that took it away';

CREATE TABLE public.life_model (
    model_key integer NOT NULL,
    version text NOT NULL,
    inputs_layout text NOT NULL,
    trained_at timestamp with time zone,
    card text NOT NULL,
    archive bytea NOT NULL,
    sha256 bytea NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    imported_by text NOT NULL,
    CONSTRAINT life_model_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT life_model_version_check CHECK ((version <> ''::text))
);

COMMENT ON TABLE public.life_model IS 'Models of remaining life, each whole';
COMMENT ON COLUMN public.life_model.inputs_layout IS 'layout of inputs that it was trained on';
COMMENT ON COLUMN public.life_model.card IS 'what its training said of it, JSON';
COMMENT ON COLUMN public.life_model.archive IS 'its folder as tar.xz';
COMMENT ON COLUMN public.life_model.sha256 IS 'of archive';

CREATE TABLE public.life_model_approval (
    model_key integer NOT NULL,
    approved_at timestamp with time zone NOT NULL,
    approved_by text NOT NULL,
    note text NOT NULL
);

COMMENT ON TABLE public.life_model_approval IS 'Who stands for a model';
ALTER TABLE public.life_model ALTER COLUMN model_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.life_model_model_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.life_model_switch (
    switch_id bigint NOT NULL,
    role smallint NOT NULL,
    model_key integer,
    switched_at timestamp with time zone NOT NULL,
    switched_by text NOT NULL,
    note text NOT NULL,
    request_id uuid NOT NULL,
    CONSTRAINT life_model_switch_role_check CHECK ((role = ANY (ARRAY[1, 2])))
);

COMMENT ON TABLE public.life_model_switch IS 'Log of which model is told and which runs beside it; the newest row of each role holds';
COMMENT ON COLUMN public.life_model_switch.role IS '1 told, 2 shadow';
COMMENT ON COLUMN public.life_model_switch.model_key IS 'null = none any more';
ALTER TABLE public.life_model_switch ALTER COLUMN switch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.life_model_switch_switch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.location ALTER COLUMN location_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.location_location_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.model_trace (
    battery_key integer NOT NULL,
    sample_time timestamp with time zone NOT NULL,
    v1_v real NOT NULL,
    v1_sigma_v real NOT NULL,
    v2_v real NOT NULL,
    v2_sigma_v real NOT NULL,
    float_marker real NOT NULL,
    float_marker_sigma real NOT NULL
);

COMMENT ON TABLE public.model_trace IS 'Once an hour, what the model of a twin knows beside the estimates in reading. NaN = not known';
COMMENT ON COLUMN public.model_trace.sample_time IS 'when measured: that of a row of reading';
COMMENT ON COLUMN public.model_trace.v1_v IS 'V; fast polarisation, > 0 while charging';
COMMENT ON COLUMN public.model_trace.v1_sigma_v IS 'V; standard deviation of v1_v';
COMMENT ON COLUMN public.model_trace.v2_v IS 'V; slow polarisation, > 0 while charging';
COMMENT ON COLUMN public.model_trace.v2_sigma_v IS 'V; standard deviation of v2_v';
COMMENT ON COLUMN public.model_trace.float_marker IS 'ln(float current / own gassing current)';
COMMENT ON COLUMN public.model_trace.float_marker_sigma IS 'standard deviation of float_marker';

CREATE TABLE public.noted_history (
    location_id text NOT NULL,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone NOT NULL,
    CONSTRAINT noted_history_check CHECK ((end_time >= start_time))
);

COMMENT ON TABLE public.noted_history IS 'History of each location that is still to be looked through for outages';
COMMENT ON COLUMN public.noted_history.start_time IS 'earliest sample of it, or somewhat before';
COMMENT ON COLUMN public.noted_history.end_time IS 'latest sample of it, or somewhat after';

CREATE TABLE public.prediction (
    battery_key integer NOT NULL,
    role smallint NOT NULL,
    predicted_at timestamp with time zone NOT NULL,
    unit_seq smallint NOT NULL,
    as_of timestamp with time zone NOT NULL,
    model_key integer NOT NULL,
    source smallint NOT NULL,
    days_05 real NOT NULL,
    days_25 real NOT NULL,
    days_50 real NOT NULL,
    days_75 real NOT NULL,
    days_95 real NOT NULL,
    twin_days_05 real NOT NULL,
    twin_days_25 real NOT NULL,
    twin_days_50 real NOT NULL,
    twin_days_75 real NOT NULL,
    twin_days_95 real NOT NULL,
    model_days real NOT NULL,
    twin_weight real NOT NULL,
    confidence real NOT NULL,
    upper_known boolean NOT NULL,
    effect_temperature real NOT NULL,
    effect_voltage real NOT NULL,
    effect_cycles real NOT NULL,
    effect_age real NOT NULL,
    effect_resistance real NOT NULL,
    effect_capacity real NOT NULL,
    effect_float_current real NOT NULL,
    effect_other real NOT NULL,
    case_1 integer NOT NULL,
    case_2 integer NOT NULL,
    case_3 integer NOT NULL,
    case_distance_1 real NOT NULL,
    case_distance_2 real NOT NULL,
    case_distance_3 real NOT NULL,
    soh_capacity real NOT NULL,
    inputs_hash bytea NOT NULL,
    CONSTRAINT prediction_role_check CHECK ((role = ANY (ARRAY[1, 2]))),
    CONSTRAINT prediction_source_check CHECK ((source = ANY (ARRAY[1, 2])))
);

COMMENT ON TABLE public.prediction IS 'Remaining lives as they were told; days count from as_of';
COMMENT ON COLUMN public.prediction.role IS '1 told, 2 of a shadow and not told';
COMMENT ON COLUMN public.prediction.unit_seq IS 'block in the slot';
COMMENT ON COLUMN public.prediction.as_of IS 'newest reading that it rests on';
COMMENT ON COLUMN public.prediction.model_key IS 'of life_model; 0 = physics alone';
COMMENT ON COLUMN public.prediction.source IS 'LifeSource: 1 twin and model, 2 twin only';
COMMENT ON COLUMN public.prediction.days_50 IS 'days; quantiles of the fused life, like its neighbours';
COMMENT ON COLUMN public.prediction.twin_days_50 IS 'days; quantiles by physics alone, like its neighbours';
COMMENT ON COLUMN public.prediction.model_days IS 'days; median of the model alone; NaN = it had no say';
COMMENT ON COLUMN public.prediction.confidence IS 'share of similar cases that the model got right; NaN = it had no say';
COMMENT ON COLUMN public.prediction.effect_temperature IS 'added to ln(life / life of a new block at 20 degC), like its neighbours';
COMMENT ON COLUMN public.prediction.case_1 IS 'place of the most similar case in the library of the model; -1 = none';
COMMENT ON COLUMN public.prediction.soh_capacity IS 'capacity over rated; NaN = not known';
COMMENT ON COLUMN public.prediction.inputs_hash IS 'SHA-256 of the inputs';

CREATE TABLE public.prediction_input (
    battery_key integer NOT NULL,
    predicted_at timestamp with time zone NOT NULL,
    inputs bytea NOT NULL
);

COMMENT ON TABLE public.prediction_input IS 'What predictions rested on: float64 little-endian, in the order of the layout';

CREATE TABLE public.projection (
    projection_key bigint NOT NULL,
    projection_id text NOT NULL,
    request_id uuid NOT NULL,
    request bytea NOT NULL,
    location_ids text[] NOT NULL,
    battery_count integer NOT NULL,
    batteries_sha256 bytea NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    asked_by text NOT NULL,
    state smallint NOT NULL,
    reason text NOT NULL,
    begin_at timestamp with time zone,
    done_at timestamp with time zone,
    took_s double precision NOT NULL,
    result bytea,
    totals bytea,
    change_request_id uuid,
    deleted_at timestamp with time zone,
    CONSTRAINT projection_batteries_sha256_check CHECK ((length(batteries_sha256) = 32)),
    CONSTRAINT projection_projection_id_check CHECK ((projection_id <> ''::text)),
    CONSTRAINT projection_result_check CHECK ((((state = 3) AND (deleted_at IS NULL)) = (result IS NOT NULL))),
    CONSTRAINT projection_state_check CHECK (((state >= 1) AND (state <= 5))),
    CONSTRAINT projection_totals_check CHECK (((result IS NULL) = (totals IS NULL)))
);

COMMENT ON TABLE public.projection IS 'Projections of the coming years; one that was deleted stays without its result for a month';
COMMENT ON COLUMN public.projection.request_id IS 'of the call that asked, so that repeating it asks nothing twice';
COMMENT ON COLUMN public.projection.request IS 'batterytwin.v1.ProjectionRequest with the defaults filled in';
COMMENT ON COLUMN public.projection.location_ids IS 'locations in it: who may not see all of these does not see it';
COMMENT ON COLUMN public.projection.batteries_sha256 IS 'of the names of its batteries, in their order, a line each';
COMMENT ON COLUMN public.projection.state IS 'ProjectionState: 1 waiting, 2 running, 3 done, 4 cancelled, 5 failed';
COMMENT ON COLUMN public.projection.reason IS 'why it failed, for people; empty = it did not';
COMMENT ON COLUMN public.projection.begin_at IS 'the instant whose twins were copied; null = not copied yet';
COMMENT ON COLUMN public.projection.took_s IS 's; time that computing it took';
COMMENT ON COLUMN public.projection.result IS 'batterytwin.v1.Projection with nothing but the results';
COMMENT ON COLUMN public.projection.totals IS 'blocks replaced on each day in each member, zlib of uint32 little-endian';
COMMENT ON COLUMN public.projection.change_request_id IS 'of the call that cancelled or deleted it last; null = none did';
ALTER TABLE public.projection ALTER COLUMN projection_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.projection_projection_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.reading (
    battery_key integer NOT NULL,
    sample_time timestamp with time zone NOT NULL,
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
    innovation_v real NOT NULL,
    soh_resistance_sigma real NOT NULL,
    r0_sigma_ohm real NOT NULL,
    innovation_sigma_v real NOT NULL,
    received_s integer NOT NULL
)
PARTITION BY RANGE (sample_time);

COMMENT ON TABLE public.reading IS 'What was measured and what the twin made of it. NaN = not measured or not known';
COMMENT ON COLUMN public.reading.sample_time IS 'when measured, microseconds';
COMMENT ON COLUMN public.reading.voltage_v IS 'V; terminal voltage of the block';
COMMENT ON COLUMN public.reading.current_a IS 'A; > 0 charges';
COMMENT ON COLUMN public.reading.temperature_c IS 'degC; at the negative post';
COMMENT ON COLUMN public.reading.internal_resistance_mohm IS 'mOhm; as the instrument measured it';
COMMENT ON COLUMN public.reading.status IS 'bits 0-3 flags, 4-7 reported string mode, 8-11 regime';
COMMENT ON COLUMN public.reading.soc IS '0...1; charge left / present capacity, after this reading';
COMMENT ON COLUMN public.reading.soc_sigma IS '0...1; standard deviation of soc';
COMMENT ON COLUMN public.reading.soh_capacity IS 'ratio; capacity / rated capacity';
COMMENT ON COLUMN public.reading.soh_capacity_sigma IS 'ratio; standard deviation of soh_capacity';
COMMENT ON COLUMN public.reading.soh_resistance IS 'ratio; r0 / r0 when new, at 25 degC';
COMMENT ON COLUMN public.reading.r0_ohm IS 'Ohm; series resistance that the twin estimates';
COMMENT ON COLUMN public.reading.innovation_v IS 'V; measured - predicted terminal voltage';
COMMENT ON COLUMN public.reading.soh_resistance_sigma IS 'ratio; standard deviation of soh_resistance';
COMMENT ON COLUMN public.reading.r0_sigma_ohm IS 'Ohm; standard deviation of r0_ohm';
COMMENT ON COLUMN public.reading.innovation_sigma_v IS 'V; size of the innovation that the filter expected';
COMMENT ON COLUMN public.reading.received_s IS 's since 2020-01-01 UTC; when the server received the row';

CREATE TABLE public.refresh_token (
    token_sha256 bytea NOT NULL,
    session_id uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    spent_at timestamp with time zone,
    CONSTRAINT refresh_token_token_sha256_check CHECK ((octet_length(token_sha256) = 32))
);
COMMENT ON COLUMN public.refresh_token.spent_at IS 'when it was traded for a new one; null = not yet';

CREATE TABLE public.revised_estimate (
    battery_key integer NOT NULL,
    sample_time timestamp with time zone NOT NULL,
    revision integer NOT NULL,
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
    innovation_sigma_v real NOT NULL
);

COMMENT ON TABLE public.revised_estimate IS 'Units as in reading';

CREATE TABLE public.scheduled_job (
    job text NOT NULL,
    begun_at timestamp with time zone NOT NULL
);

CREATE TABLE public.schema_migration (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.string_reading (
    string_id text NOT NULL,
    sample_time timestamp with time zone NOT NULL,
    voltage_v real NOT NULL,
    current_a real NOT NULL,
    mode smallint NOT NULL
);

COMMENT ON TABLE public.string_reading IS 'Newest measurement over each whole string. NaN = not measured';
COMMENT ON COLUMN public.string_reading.sample_time IS 'when measured, microseconds';
COMMENT ON COLUMN public.string_reading.voltage_v IS 'V; over the whole string';
COMMENT ON COLUMN public.string_reading.current_a IS 'A; > 0 charges';
COMMENT ON COLUMN public.string_reading.mode IS 'StringMode that the charger reports';

CREATE TABLE public.string_state (
    string_id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    layout text NOT NULL,
    state bytea NOT NULL,
    digest bytea NOT NULL
);

COMMENT ON TABLE public.string_state IS 'Newest state of the analysis of each string; not part of the record, it can be learnt again';
COMMENT ON COLUMN public.string_state.as_of IS 'sample time of the newest frame in it';
COMMENT ON COLUMN public.string_state.layout IS 'names the meaning of the bytes';
COMMENT ON COLUMN public.string_state.digest IS 'SHA-256 of state';
ALTER TABLE public.string ALTER COLUMN string_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.string_string_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.system ALTER COLUMN system_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.system_system_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.twin_input (
    battery_key integer NOT NULL,
    seq integer NOT NULL,
    watermark timestamp with time zone NOT NULL,
    kind smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    soh_capacity double precision,
    sigma double precision,
    source_id text NOT NULL,
    known_at timestamp with time zone DEFAULT now() NOT NULL,
    discharge_positive boolean,
    offset_a double precision,
    CONSTRAINT twin_input_evidence_check CHECK ((num_nonnulls(soh_capacity, sigma) =
CASE
    WHEN (kind = ANY (ARRAY[4, 5])) THEN 0
    ELSE 2
END)),
    CONSTRAINT twin_input_sensor_check CHECK (((kind = 5) = (discharge_positive IS NOT NULL))),
    CONSTRAINT twin_input_seq_check CHECK ((seq > 0)),
    CONSTRAINT twin_input_sigma_check CHECK ((sigma > (0)::double precision))
);

COMMENT ON TABLE public.twin_input IS 'What reaches twins beside readings';
COMMENT ON COLUMN public.twin_input.seq IS 'counts the inputs of a twin from 1, in the order in which it was told of them';
COMMENT ON COLUMN public.twin_input.watermark IS 'place in the log: after all readings up to this sample time; 1970 = before all';
COMMENT ON COLUMN public.twin_input.kind IS 'TwinInputKind: 1 capacity test, 2 rank in a discharge, 3 capacity test that was stopped early, 4 replacement, 5 current sensor';
COMMENT ON COLUMN public.twin_input.at IS 'when the evidence holds';
COMMENT ON COLUMN public.twin_input.soh_capacity IS 'ratio; capacity / rated capacity that it shows';
COMMENT ON COLUMN public.twin_input.sigma IS 'ratio; standard deviation of soh_capacity';
COMMENT ON COLUMN public.twin_input.source_id IS 'event or frame that it comes from; the same one counts once';
COMMENT ON COLUMN public.twin_input.known_at IS 'when the server received it';
COMMENT ON COLUMN public.twin_input.discharge_positive IS 'current sensor: as in event';
COMMENT ON COLUMN public.twin_input.offset_a IS 'A; current sensor: as in event';

CREATE TABLE public.twin_revision (
    battery_key integer NOT NULL,
    revision integer NOT NULL,
    known_at timestamp with time zone NOT NULL,
    from_time timestamp with time zone NOT NULL,
    CONSTRAINT twin_revision_revision_check CHECK ((revision > 0))
);
COMMENT ON COLUMN public.twin_revision.revision IS 'counts the revisions of a twin from 1';
COMMENT ON COLUMN public.twin_revision.known_at IS 'when what changed the past was received';
COMMENT ON COLUMN public.twin_revision.from_time IS 'sample time from which estimates changed';

CREATE TABLE public.twin_snapshot (
    battery_key integer NOT NULL,
    watermark timestamp with time zone NOT NULL,
    layout text NOT NULL,
    state bytea NOT NULL,
    sha256 bytea NOT NULL,
    taken_at timestamp with time zone DEFAULT now() NOT NULL,
    superseded_at timestamp with time zone,
    damaged_at timestamp with time zone,
    life bytea,
    life_sha256 bytea,
    CONSTRAINT twin_snapshot_life_check CHECK (((life IS NULL) = (life_sha256 IS NULL))),
    CONSTRAINT twin_snapshot_life_sha256_check CHECK ((octet_length(life_sha256) = 32)),
    CONSTRAINT twin_snapshot_sha256_check CHECK ((octet_length(sha256) = 32))
)
WITH (toast_tuple_target='8160');

COMMENT ON TABLE public.twin_snapshot IS 'States to restore twins from: newest ones closely spaced, older ones thinned out';
COMMENT ON COLUMN public.twin_snapshot.watermark IS 'sample time of the newest row that the state contains';
COMMENT ON COLUMN public.twin_snapshot.layout IS 'name of the layout of state and of the filter version';
COMMENT ON COLUMN public.twin_snapshot.sha256 IS 'SHA-256 of state';
COMMENT ON COLUMN public.twin_snapshot.taken_at IS 'what was known until then is in it';
COMMENT ON COLUMN public.twin_snapshot.superseded_at IS 'since then a late reading or input belongs before its watermark; null = it holds';
COMMENT ON COLUMN public.twin_snapshot.damaged_at IS 'when its SHA-256 was found not to fit; null = sound as far as is known';
COMMENT ON COLUMN public.twin_snapshot.life IS 'accumulators of the life of the battery at the watermark, packed; null = not kept, as in those older than a month';
COMMENT ON COLUMN public.twin_snapshot.life_sha256 IS 'SHA-256 of life';

CREATE TABLE public.user_location (
    user_key integer NOT NULL,
    location_id text NOT NULL
);

CREATE VIEW public.user_account AS
 SELECT user_key,
    username,
    password_hash,
    role,
    disabled,
        CASE
            WHEN (NOT all_locations) THEN ARRAY( SELECT p.location_id
               FROM public.user_location p
              WHERE (p.user_key = u.user_key)
              ORDER BY p.location_id)
            ELSE NULL::text[]
        END AS location_ids
   FROM public.app_user u;
COMMENT ON COLUMN public.user_account.location_ids IS 'null = every location';

CREATE TABLE public.user_session (
    session_id uuid NOT NULL,
    user_key integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);
COMMENT ON COLUMN public.user_session.ended_at IS 'logout, change of password, or a spent refresh token used again; null = alive';
ALTER TABLE ONLY public.alert_change
    ADD CONSTRAINT alert_change_alert_id_change_at_key UNIQUE (alert_id, change, at);
ALTER TABLE ONLY public.alert_change
    ADD CONSTRAINT alert_change_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (alert_id);
ALTER TABLE ONLY public.app_user
    ADD CONSTRAINT app_user_pkey PRIMARY KEY (user_key);
ALTER TABLE ONLY public.archive_file
    ADD CONSTRAINT archive_file_path_key UNIQUE (path);
ALTER TABLE ONLY public.archive_file
    ADD CONSTRAINT archive_file_pkey PRIMARY KEY (file_key);
ALTER TABLE ONLY public.archive_state
    ADD CONSTRAINT archive_state_pkey PRIMARY KEY (one_row);
ALTER TABLE ONLY public.audit_entry
    ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.battery
    ADD CONSTRAINT battery_battery_id_key UNIQUE (battery_id);
ALTER TABLE ONLY public.battery
    ADD CONSTRAINT battery_pkey PRIMARY KEY (battery_key);
ALTER TABLE ONLY public.battery
    ADD CONSTRAINT battery_string_key_position_key UNIQUE (string_key, "position");
ALTER TABLE ONLY public.battery_unit
    ADD CONSTRAINT battery_unit_event_id_key UNIQUE (event_id);
ALTER TABLE ONLY public.battery_unit
    ADD CONSTRAINT battery_unit_pkey PRIMARY KEY (battery_key, unit_seq);
ALTER TABLE ONLY public.datasheet
    ADD CONSTRAINT datasheet_pkey PRIMARY KEY (model);
ALTER TABLE ONLY public.drill_change
    ADD CONSTRAINT drill_change_pkey PRIMARY KEY (change_id);
ALTER TABLE ONLY public.drill
    ADD CONSTRAINT drill_drill_id_key UNIQUE (drill_id);
ALTER TABLE ONLY public.drill
    ADD CONSTRAINT drill_pkey PRIMARY KEY (drill_key);
ALTER TABLE ONLY public.drill_report
    ADD CONSTRAINT drill_report_pkey PRIMARY KEY (drill_key);
ALTER TABLE ONLY public.drill_request
    ADD CONSTRAINT drill_request_pkey PRIMARY KEY (request_id);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_event_id_key UNIQUE (event_id);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (event_key);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_request_id_key UNIQUE (request_id);
ALTER TABLE ONLY public.filter_version
    ADD CONSTRAINT filter_version_pkey PRIMARY KEY (since);
ALTER TABLE ONLY public.gateway_token
    ADD CONSTRAINT gateway_token_pkey PRIMARY KEY (token_id);
ALTER TABLE ONLY public.grid
    ADD CONSTRAINT grid_grid_id_key UNIQUE (grid_id);
ALTER TABLE ONLY public.grid
    ADD CONSTRAINT grid_pkey PRIMARY KEY (grid_key);
ALTER TABLE ONLY public.late_reading
    ADD CONSTRAINT late_reading_pkey PRIMARY KEY (battery_key, sample_time);
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (lease_id);
ALTER TABLE ONLY public.life_case
    ADD CONSTRAINT life_case_pkey PRIMARY KEY (battery_key, unit_seq, as_of);
ALTER TABLE ONLY public.life_end
    ADD CONSTRAINT life_end_pkey PRIMARY KEY (battery_key, unit_seq);
ALTER TABLE ONLY public.life_model_approval
    ADD CONSTRAINT life_model_approval_pkey PRIMARY KEY (model_key);
ALTER TABLE ONLY public.life_model
    ADD CONSTRAINT life_model_pkey PRIMARY KEY (model_key);
ALTER TABLE ONLY public.life_model_switch
    ADD CONSTRAINT life_model_switch_pkey PRIMARY KEY (switch_id);
ALTER TABLE ONLY public.life_model_switch
    ADD CONSTRAINT life_model_switch_request_id_key UNIQUE (request_id);
ALTER TABLE ONLY public.life_model
    ADD CONSTRAINT life_model_version_key UNIQUE (version);
ALTER TABLE ONLY public.location
    ADD CONSTRAINT location_location_id_key UNIQUE (location_id);
ALTER TABLE ONLY public.location
    ADD CONSTRAINT location_pkey PRIMARY KEY (location_key);
ALTER TABLE ONLY public.model_trace
    ADD CONSTRAINT model_trace_pkey PRIMARY KEY (battery_key, sample_time);
ALTER TABLE ONLY public.noted_history
    ADD CONSTRAINT noted_history_pkey PRIMARY KEY (location_id);
ALTER TABLE ONLY public.prediction_input
    ADD CONSTRAINT prediction_input_pkey PRIMARY KEY (battery_key, predicted_at);
ALTER TABLE ONLY public.prediction
    ADD CONSTRAINT prediction_pkey PRIMARY KEY (battery_key, role, predicted_at);
ALTER TABLE ONLY public.projection
    ADD CONSTRAINT projection_pkey PRIMARY KEY (projection_key);
ALTER TABLE ONLY public.projection
    ADD CONSTRAINT projection_projection_id_key UNIQUE (projection_id);
ALTER TABLE ONLY public.projection
    ADD CONSTRAINT projection_request_id_key UNIQUE (request_id);
ALTER TABLE ONLY public.refresh_token
    ADD CONSTRAINT refresh_token_pkey PRIMARY KEY (token_sha256);
ALTER TABLE ONLY public.revised_estimate
    ADD CONSTRAINT revised_estimate_pkey PRIMARY KEY (battery_key, sample_time);
ALTER TABLE ONLY public.scheduled_job
    ADD CONSTRAINT scheduled_job_pkey PRIMARY KEY (job);
ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.string
    ADD CONSTRAINT string_pkey PRIMARY KEY (string_key);
ALTER TABLE ONLY public.string_reading
    ADD CONSTRAINT string_reading_pkey PRIMARY KEY (string_id);
ALTER TABLE ONLY public.string_state
    ADD CONSTRAINT string_state_pkey PRIMARY KEY (string_id);
ALTER TABLE ONLY public.string
    ADD CONSTRAINT string_string_id_key UNIQUE (string_id);
ALTER TABLE ONLY public.system
    ADD CONSTRAINT system_pkey PRIMARY KEY (system_key);
ALTER TABLE ONLY public.system
    ADD CONSTRAINT system_system_id_key UNIQUE (system_id);
ALTER TABLE ONLY public.twin_input
    ADD CONSTRAINT twin_input_battery_key_source_id_key UNIQUE (battery_key, source_id);
ALTER TABLE ONLY public.twin_input
    ADD CONSTRAINT twin_input_pkey PRIMARY KEY (battery_key, seq);
ALTER TABLE ONLY public.twin_revision
    ADD CONSTRAINT twin_revision_pkey PRIMARY KEY (battery_key, revision);
ALTER TABLE ONLY public.twin_snapshot
    ADD CONSTRAINT twin_snapshot_pkey PRIMARY KEY (battery_key, layout, watermark, taken_at);
ALTER TABLE ONLY public.user_location
    ADD CONSTRAINT user_location_pkey PRIMARY KEY (user_key, location_id);
ALTER TABLE ONLY public.user_session
    ADD CONSTRAINT user_session_pkey PRIMARY KEY (session_id);

CREATE INDEX alert_open_idx ON public.alert USING btree (location_id, raised_at) WHERE ((cleared_at IS NULL) AND (resolved_at IS NULL));

CREATE INDEX alert_raised_at_idx ON public.alert USING btree (raised_at);

CREATE UNIQUE INDEX app_user_username_idx ON public.app_user USING btree (lower(username));

CREATE INDEX archive_file_days_idx ON public.archive_file USING btree (kind, last_day) WHERE (superseded_at IS NULL);

CREATE INDEX audit_entry_at_idx ON public.audit_entry USING btree (at);

CREATE INDEX battery_lease_id_idx ON public.battery USING btree (lease_id);

CREATE INDEX drill_active_idx ON public.drill USING btree (drill_key) WHERE (stopped_at IS NULL);

CREATE INDEX drill_change_drill_key_idx ON public.drill_change USING btree (drill_key);

CREATE INDEX drill_request_drill_key_idx ON public.drill_request USING btree (drill_key);

CREATE INDEX event_location_idx ON public.event USING btree (location_id, start_time);

CREATE INDEX event_start_time_idx ON public.event USING btree (start_time, event_key);

CREATE INDEX projection_waiting ON public.projection USING btree (projection_key) WHERE (state = ANY (ARRAY[1, 2]));

CREATE INDEX reading_sample_time_brin ON ONLY public.reading USING brin (sample_time) WITH (pages_per_range='32');

CREATE INDEX refresh_token_session_id_idx ON public.refresh_token USING btree (session_id);

CREATE INDEX twin_snapshot_damaged_idx ON public.twin_snapshot USING btree (battery_key) WHERE (damaged_at IS NOT NULL);

CREATE INDEX user_session_user_key_idx ON public.user_session USING btree (user_key);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_entry FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_audit();

CREATE TRIGGER immutable BEFORE DELETE OR UPDATE ON public.life_case FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_row();

CREATE TRIGGER immutable BEFORE DELETE OR UPDATE ON public.life_end FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_row();

CREATE TRIGGER immutable BEFORE UPDATE ON public.life_model FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_row();

CREATE TRIGGER immutable BEFORE DELETE OR UPDATE ON public.life_model_approval FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_row();

CREATE TRIGGER immutable BEFORE DELETE OR UPDATE ON public.life_model_switch FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_row();

CREATE TRIGGER immutable BEFORE UPDATE ON public.prediction FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_row();

CREATE TRIGGER immutable BEFORE UPDATE ON public.prediction_input FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_row();

CREATE TRIGGER one_writer BEFORE INSERT OR DELETE OR UPDATE ON public.alert FOR EACH STATEMENT EXECUTE FUNCTION public.lock_alerts_before_statement();

CREATE TRIGGER one_writer BEFORE INSERT OR DELETE OR UPDATE ON public.alert_change FOR EACH STATEMENT EXECUTE FUNCTION public.lock_alerts_before_statement();
ALTER TABLE ONLY public.alert_change
    ADD CONSTRAINT alert_change_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(alert_id);
ALTER TABLE ONLY public.battery
    ADD CONSTRAINT battery_lease_id_fkey FOREIGN KEY (lease_id) REFERENCES public.lease(lease_id);
ALTER TABLE ONLY public.battery
    ADD CONSTRAINT battery_string_key_fkey FOREIGN KEY (string_key) REFERENCES public.string(string_key);
ALTER TABLE ONLY public.battery_unit
    ADD CONSTRAINT battery_unit_battery_key_fkey FOREIGN KEY (battery_key) REFERENCES public.battery(battery_key);
ALTER TABLE ONLY public.battery_unit
    ADD CONSTRAINT battery_unit_event_id_fkey FOREIGN KEY (event_id) REFERENCES public.event(event_id);
ALTER TABLE ONLY public.drill_change
    ADD CONSTRAINT drill_change_drill_key_fkey FOREIGN KEY (drill_key) REFERENCES public.drill(drill_key) ON DELETE CASCADE;
ALTER TABLE ONLY public.drill_report
    ADD CONSTRAINT drill_report_drill_key_fkey FOREIGN KEY (drill_key) REFERENCES public.drill(drill_key) ON DELETE CASCADE;
ALTER TABLE ONLY public.drill_request
    ADD CONSTRAINT drill_request_drill_key_fkey FOREIGN KEY (drill_key) REFERENCES public.drill(drill_key) ON DELETE CASCADE;
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_battery_key_fkey FOREIGN KEY (battery_key) REFERENCES public.battery(battery_key);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_location_id_fkey FOREIGN KEY (location_id) REFERENCES public.location(location_id);
ALTER TABLE ONLY public.gateway_token
    ADD CONSTRAINT gateway_token_location_id_fkey FOREIGN KEY (location_id) REFERENCES public.location(location_id);
ALTER TABLE ONLY public.life_case
    ADD CONSTRAINT life_case_battery_key_unit_seq_fkey FOREIGN KEY (battery_key, unit_seq) REFERENCES public.life_end(battery_key, unit_seq);
ALTER TABLE ONLY public.life_end
    ADD CONSTRAINT life_end_battery_key_fkey FOREIGN KEY (battery_key) REFERENCES public.battery(battery_key);
ALTER TABLE ONLY public.life_end
    ADD CONSTRAINT life_end_event_id_fkey FOREIGN KEY (event_id) REFERENCES public.event(event_id);
ALTER TABLE ONLY public.life_model_approval
    ADD CONSTRAINT life_model_approval_model_key_fkey FOREIGN KEY (model_key) REFERENCES public.life_model(model_key);
ALTER TABLE ONLY public.life_model_switch
    ADD CONSTRAINT life_model_switch_model_key_fkey FOREIGN KEY (model_key) REFERENCES public.life_model(model_key);
ALTER TABLE ONLY public.location
    ADD CONSTRAINT location_grid_key_fkey FOREIGN KEY (grid_key) REFERENCES public.grid(grid_key);
ALTER TABLE ONLY public.noted_history
    ADD CONSTRAINT noted_history_location_id_fkey FOREIGN KEY (location_id) REFERENCES public.location(location_id);
ALTER TABLE ONLY public.prediction
    ADD CONSTRAINT prediction_battery_key_fkey FOREIGN KEY (battery_key) REFERENCES public.battery(battery_key);
ALTER TABLE ONLY public.prediction_input
    ADD CONSTRAINT prediction_input_battery_key_fkey FOREIGN KEY (battery_key) REFERENCES public.battery(battery_key);
ALTER TABLE ONLY public.refresh_token
    ADD CONSTRAINT refresh_token_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.user_session(session_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.string
    ADD CONSTRAINT string_model_fkey FOREIGN KEY (model) REFERENCES public.datasheet(model);
ALTER TABLE ONLY public.string_reading
    ADD CONSTRAINT string_reading_string_id_fkey FOREIGN KEY (string_id) REFERENCES public.string(string_id);
ALTER TABLE ONLY public.string_state
    ADD CONSTRAINT string_state_string_id_fkey FOREIGN KEY (string_id) REFERENCES public.string(string_id);
ALTER TABLE ONLY public.string
    ADD CONSTRAINT string_system_key_fkey FOREIGN KEY (system_key) REFERENCES public.system(system_key);
ALTER TABLE ONLY public.system
    ADD CONSTRAINT system_location_key_fkey FOREIGN KEY (location_key) REFERENCES public.location(location_key);
ALTER TABLE ONLY public.user_location
    ADD CONSTRAINT user_location_location_id_fkey FOREIGN KEY (location_id) REFERENCES public.location(location_id);
ALTER TABLE ONLY public.user_location
    ADD CONSTRAINT user_location_user_key_fkey FOREIGN KEY (user_key) REFERENCES public.app_user(user_key);
ALTER TABLE ONLY public.user_session
    ADD CONSTRAINT user_session_user_key_fkey FOREIGN KEY (user_key) REFERENCES public.app_user(user_key);
