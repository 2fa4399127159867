-- What reaches twins beside readings, and what happened.

-- Part of the log of a twin: its readings in time order, and each input after the readings up to its watermark.
-- Written by the owner of the twin in a fenced commit, so seq has no gaps. No foreign key, as in reading.
CREATE TABLE twin_input (
    battery_key int NOT NULL,
    seq int NOT NULL CHECK (seq > 0),
    watermark timestamptz NOT NULL,
    kind smallint NOT NULL,
    at timestamptz NOT NULL,
    soh_capacity double precision NOT NULL,
    sigma double precision NOT NULL CHECK (sigma > 0),
    source_id text NOT NULL,
    PRIMARY KEY (battery_key, seq),
    UNIQUE (battery_key, source_id)
);
COMMENT ON TABLE twin_input IS 'Evidence for twins that is no reading';
COMMENT ON COLUMN twin_input.seq IS 'counts the inputs of a twin from 1, in the order in which it took them';
COMMENT ON COLUMN twin_input.watermark IS 'sample time of the newest reading that the twin had applied before; 1970 = none';
COMMENT ON COLUMN twin_input.kind IS 'TwinInputKind: 1 capacity test, 2 rank in a discharge, 3 capacity test that was stopped early';
COMMENT ON COLUMN twin_input.at IS 'when the evidence holds';
COMMENT ON COLUMN twin_input.soh_capacity IS 'ratio; capacity / rated capacity that it shows';
COMMENT ON COLUMN twin_input.sigma IS 'ratio; standard deviation of soh_capacity';
COMMENT ON COLUMN twin_input.source_id IS 'event or frame that it comes from; the same one counts once';

CREATE TABLE event (
    event_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    request_id text NOT NULL UNIQUE,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    location_id text NOT NULL REFERENCES location (location_id),
    string_id text NOT NULL DEFAULT '',
    battery_key int REFERENCES battery,
    start_time timestamptz NOT NULL,
    end_time timestamptz CHECK (end_time >= start_time),
    note text NOT NULL DEFAULT '',
    discharged_ah double precision CHECK (discharged_ah > 0),
    current_a double precision CHECK (current_a > 0),
    temperature_c double precision,
    end_voltage_v double precision,
    recorded_by text NOT NULL,
    record_time timestamptz NOT NULL,
    CHECK ((kind = 4) = (num_nonnulls(discharged_ah, current_a, temperature_c, end_voltage_v) = 4)),
    CHECK (kind <> 4 OR battery_key IS NOT NULL)
);
CREATE INDEX event_location_idx ON event (location_id, start_time);
CREATE INDEX event_start_time_idx ON event (start_time, event_key);
COMMENT ON TABLE event IS 'What people did, and what happened to the mains';
COMMENT ON COLUMN event.request_id IS 'names the call that recorded it; the same one records nothing more';
COMMENT ON COLUMN event.kind IS 'EventKind: 1 maintenance, 2 inspection, 3 outage, 4 capacity test, 5 impedance test';
COMMENT ON COLUMN event.string_id IS 'empty = the whole location';
COMMENT ON COLUMN event.battery_key IS 'null = the whole string or location';
COMMENT ON COLUMN event.end_time IS 'null = at once, or it lasts';
COMMENT ON COLUMN event.discharged_ah IS 'Ah; capacity test: charge taken out';
COMMENT ON COLUMN event.current_a IS 'A; capacity test: size of the mean current';
COMMENT ON COLUMN event.temperature_c IS 'degC; capacity test: mean temperature of the block';
COMMENT ON COLUMN event.end_voltage_v IS 'V; capacity test: voltage of the block at the end';
COMMENT ON COLUMN event.recorded_by IS 'user name; "server" = found by the server itself';

CREATE VIEW event_with_battery AS
SELECT e.*, coalesce(b.battery_id, '') AS battery_id
FROM event e
LEFT JOIN battery b USING (battery_key);
