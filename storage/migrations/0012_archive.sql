-- Sealed days leave table reading for Parquet files. What is in the files is nowhere else, and what is in the tables is
-- in no file: a row moves in one transaction, so a reader takes both and asks whether the version changed meanwhile.

CREATE TABLE archive_file (
    file_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path text NOT NULL UNIQUE,
    kind smallint NOT NULL CHECK (kind IN (1, 2)),
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    first_battery_key int NOT NULL,
    last_battery_key int NOT NULL CHECK (last_battery_key >= first_battery_key),
    row_count bigint NOT NULL CHECK (row_count > 0),
    byte_count bigint NOT NULL CHECK (byte_count > 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    sealed_at timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz
);
CREATE INDEX archive_file_days_idx ON archive_file (kind, last_day) WHERE superseded_at IS NULL;
COMMENT ON TABLE archive_file IS 'Files of the archive: one a span of whole UTC days and a block of batteries';
COMMENT ON COLUMN archive_file.path IS 'within the archive folder';
COMMENT ON COLUMN archive_file.kind IS '1 readings, 2 hours';
COMMENT ON COLUMN archive_file.last_day IS 'last day, inclusive';
COMMENT ON COLUMN archive_file.sha256 IS 'SHA-256 of the file';
COMMENT ON COLUMN archive_file.superseded_at IS 'when another file took its rows over; it is removed later. null = current';

CREATE TABLE archive_state (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    version bigint NOT NULL
);
INSERT INTO archive_state (version) VALUES (0);
COMMENT ON COLUMN archive_state.version IS 'rises with every transaction that moves rows';
