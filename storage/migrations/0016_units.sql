-- Blocks that came into slots after registration, and what the log of a twin says of it.
CREATE TABLE battery_unit (
    battery_key int NOT NULL REFERENCES battery,
    unit_seq smallint NOT NULL CHECK (unit_seq > 1),
    serial text NOT NULL CHECK (serial <> ''),
    since timestamptz NOT NULL,
    event_id text NOT NULL UNIQUE REFERENCES event (event_id),
    PRIMARY KEY (battery_key, unit_seq)
);
COMMENT ON TABLE battery_unit IS 'Blocks after the first of their slot; that one stands in battery';
COMMENT ON COLUMN battery_unit.unit_seq IS 'counts the blocks of the slot';
COMMENT ON COLUMN battery_unit.since IS 'in service from then on, until the next one of the slot';
COMMENT ON COLUMN battery.serial IS 'of the first block of the slot';
COMMENT ON COLUMN battery.unit_seq IS 'number of the first block of the slot';
COMMENT ON COLUMN battery.installed_on IS 'when the first block of the slot came into service';

DROP VIEW event_with_battery;
ALTER TABLE event
    DROP CONSTRAINT event_kind_check,
    ADD CONSTRAINT event_kind_check CHECK (kind BETWEEN 1 AND 7),
    ADD COLUMN old_serial text,
    ADD COLUMN new_serial text,
    ADD COLUMN discharge_positive boolean,
    ADD COLUMN offset_a double precision,
    ADD CONSTRAINT event_sensor_check CHECK ((kind = 7) = (discharge_positive IS NOT NULL)),
    ADD CONSTRAINT event_replacement_check
        CHECK ((kind = 6) = (num_nonnulls(old_serial, new_serial) = 2) AND (kind <> 6 OR battery_key IS NOT NULL));
COMMENT ON COLUMN event.kind IS
    'EventKind: 1 maintenance, 2 inspection, 3 outage, 4 capacity test, 5 impedance test, 6 replacement, 7 current sensor';
COMMENT ON COLUMN event.discharge_positive IS 'current sensor: the gateway counts a discharge as positive from then on';
COMMENT ON COLUMN event.offset_a IS 'A; current sensor: what it reads without any current; null = nobody has looked';
COMMENT ON COLUMN event.old_serial IS 'replacement: serial number of the block that went';
COMMENT ON COLUMN event.new_serial IS 'replacement: serial number of the block that came';
CREATE VIEW event_with_battery AS
SELECT e.*, coalesce(b.battery_id, '') AS battery_id
FROM event e
LEFT JOIN battery b USING (battery_key);

ALTER TABLE twin_input
    ALTER COLUMN soh_capacity DROP NOT NULL,
    ALTER COLUMN sigma DROP NOT NULL,
    ADD COLUMN discharge_positive boolean,
    ADD COLUMN offset_a double precision,
    ADD CONSTRAINT twin_input_sensor_check CHECK ((kind = 5) = (discharge_positive IS NOT NULL)),
    ADD CONSTRAINT twin_input_evidence_check
        CHECK (num_nonnulls(soh_capacity, sigma) = CASE WHEN kind IN (4, 5) THEN 0 ELSE 2 END);
COMMENT ON TABLE twin_input IS 'What reaches twins beside readings';
COMMENT ON COLUMN twin_input.seq IS 'counts the inputs of a twin from 1, in the order in which it was told of them';
COMMENT ON COLUMN twin_input.watermark IS 'place in the log: after all readings up to this sample time; 1970 = before all';
COMMENT ON COLUMN twin_input.kind IS
    'TwinInputKind: 1 capacity test, 2 rank in a discharge, 3 capacity test that was stopped early, 4 replacement, 5 current sensor';
COMMENT ON COLUMN twin_input.discharge_positive IS 'current sensor: as in event';
COMMENT ON COLUMN twin_input.offset_a IS 'A; current sensor: as in event';
