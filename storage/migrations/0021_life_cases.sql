-- What became of blocks that have gone, and what was known of them and told before: kept beyond the predictions it is
-- taken from. Rows of both tables are never changed.
CREATE TABLE life_end (
    battery_key int NOT NULL REFERENCES battery,
    unit_seq smallint NOT NULL,
    serial text NOT NULL,
    installed_at timestamptz NOT NULL,
    gone_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL,
    outcome smallint NOT NULL CHECK (outcome BETWEEN 1 AND 4),
    event_id text NOT NULL REFERENCES event (event_id),
    made_at timestamptz NOT NULL,
    PRIMARY KEY (battery_key, unit_seq)
);
COMMENT ON TABLE life_end IS 'What became of each block that has gone, as it was known when its replacement was recorded';
COMMENT ON COLUMN life_end.unit_seq IS 'block in the slot';
COMMENT ON COLUMN life_end.installed_at IS 'when it came into service';
COMMENT ON COLUMN life_end.gone_at IS 'when the next block of the slot came into service';
COMMENT ON COLUMN life_end.until_at IS 'end of its life; where outcome is 4, how long it is known to have lived at least';
COMMENT ON COLUMN life_end.outcome IS
    'LifeOutcome: at its end by 1 a capacity test, 2 the word of who replaced it, 3 its twin; 4 replaced for another reason';
COMMENT ON COLUMN life_end.event_id IS 'replacement that took it away';

CREATE TABLE life_case (
    battery_key int NOT NULL,
    unit_seq smallint NOT NULL,
    as_of timestamptz NOT NULL,
    predicted_at timestamptz NOT NULL,
    model_key int NOT NULL,
    told_days real NOT NULL,
    model_days real NOT NULL,
    inputs_layout text NOT NULL,
    inputs bytea NOT NULL,
    PRIMARY KEY (battery_key, unit_seq, as_of),
    FOREIGN KEY (battery_key, unit_seq) REFERENCES life_end
);
COMMENT ON TABLE life_case IS 'The last prediction of each month of a life before its end, with what it rested on';
COMMENT ON COLUMN life_case.as_of IS 'newest reading that the prediction rested on';
COMMENT ON COLUMN life_case.model_key IS 'as in prediction';
COMMENT ON COLUMN life_case.told_days IS 'days; median that was told, from as_of on';
COMMENT ON COLUMN life_case.model_days IS 'days; median of the model alone; NaN = it had no say';
COMMENT ON COLUMN life_case.inputs_layout IS 'names the columns of inputs';
COMMENT ON COLUMN life_case.inputs IS 'as in prediction_input';

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON life_end FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_row();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON life_case FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_row();

DROP VIEW event_with_battery;
ALTER TABLE event
    ADD COLUMN replacement_reason smallint,
    ADD CONSTRAINT event_reason_check CHECK (replacement_reason IS NULL OR kind = 6 AND replacement_reason IN (1, 2));
COMMENT ON COLUMN event.replacement_reason IS
    'ReplacementReason: 1 the block had come to the end of its life, 2 another one; null = nobody has said';
CREATE VIEW event_with_battery AS
SELECT e.*, coalesce(b.battery_id, '') AS battery_id
FROM event e
LEFT JOIN battery b USING (battery_key);
