-- What was predicted of remaining lives, and the models that spoke. Rows of all these tables are never changed.
CREATE TABLE life_model (
    model_key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL UNIQUE CHECK (version <> ''),
    inputs_layout text NOT NULL,
    trained_at timestamptz,
    card text NOT NULL,
    archive bytea NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL
);
COMMENT ON TABLE life_model IS 'Models of remaining life, each whole';
COMMENT ON COLUMN life_model.inputs_layout IS 'layout of inputs that it was trained on';
COMMENT ON COLUMN life_model.card IS 'what its training said of it, JSON';
COMMENT ON COLUMN life_model.archive IS 'its folder as tar.xz';
COMMENT ON COLUMN life_model.sha256 IS 'of archive';

CREATE TABLE life_model_approval (
    model_key int PRIMARY KEY REFERENCES life_model,
    approved_at timestamptz NOT NULL,
    approved_by text NOT NULL,
    note text NOT NULL
);
COMMENT ON TABLE life_model_approval IS 'Who stands for a model';

CREATE TABLE life_model_switch (
    switch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role smallint NOT NULL CHECK (role IN (1, 2)),
    model_key int REFERENCES life_model,
    switched_at timestamptz NOT NULL,
    switched_by text NOT NULL,
    note text NOT NULL,
    request_id uuid NOT NULL UNIQUE
);
COMMENT ON TABLE life_model_switch IS 'Log of which model is told and which runs beside it; the newest row of each role holds';
COMMENT ON COLUMN life_model_switch.role IS '1 told, 2 shadow';
COMMENT ON COLUMN life_model_switch.model_key IS 'null = none any more';

CREATE TABLE prediction (
    battery_key int NOT NULL REFERENCES battery,
    role smallint NOT NULL CHECK (role IN (1, 2)),
    predicted_at timestamptz NOT NULL,
    unit_seq smallint NOT NULL,
    as_of timestamptz NOT NULL,
    model_key int NOT NULL,
    source smallint NOT NULL CHECK (source IN (1, 2)),
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
    case_1 int NOT NULL,
    case_2 int NOT NULL,
    case_3 int NOT NULL,
    case_distance_1 real NOT NULL,
    case_distance_2 real NOT NULL,
    case_distance_3 real NOT NULL,
    soh_capacity real NOT NULL,
    inputs_hash bytea NOT NULL,
    PRIMARY KEY (battery_key, role, predicted_at)
);
COMMENT ON TABLE prediction IS 'Remaining lives as they were told; days count from as_of';
COMMENT ON COLUMN prediction.role IS '1 told, 2 of a shadow and not told';
COMMENT ON COLUMN prediction.unit_seq IS 'block in the slot';
COMMENT ON COLUMN prediction.as_of IS 'newest reading that it rests on';
COMMENT ON COLUMN prediction.model_key IS 'of life_model; 0 = physics alone';
COMMENT ON COLUMN prediction.source IS 'LifeSource: 1 twin and model, 2 twin only';
COMMENT ON COLUMN prediction.days_50 IS 'days; quantiles of the fused life, like its neighbours';
COMMENT ON COLUMN prediction.twin_days_50 IS 'days; quantiles by physics alone, like its neighbours';
COMMENT ON COLUMN prediction.model_days IS 'days; median of the model alone; NaN = it had no say';
COMMENT ON COLUMN prediction.confidence IS 'share of similar cases that the model got right; NaN = it had no say';
COMMENT ON COLUMN prediction.effect_temperature IS 'added to ln(life / life of a new block at 20 degC), like its neighbours';
COMMENT ON COLUMN prediction.case_1 IS 'place of the most similar case in the library of the model; -1 = none';
COMMENT ON COLUMN prediction.soh_capacity IS 'capacity over rated; NaN = not known';
COMMENT ON COLUMN prediction.inputs_hash IS 'SHA-256 of the inputs';

CREATE TABLE prediction_input (
    battery_key int NOT NULL REFERENCES battery,
    predicted_at timestamptz NOT NULL,
    inputs bytea NOT NULL,
    PRIMARY KEY (battery_key, predicted_at)
);
COMMENT ON TABLE prediction_input IS 'What predictions rested on: float64 little-endian, in the order of the layout';

CREATE FUNCTION refuse_change_of_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE ON prediction FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_row();
CREATE TRIGGER immutable BEFORE UPDATE ON prediction_input FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_row();
CREATE TRIGGER immutable BEFORE UPDATE ON life_model FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_row();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON life_model_approval
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_row();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON life_model_switch
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_row();
