-- What a twin remembers of its life beside its state. A snapshot of before has none: its twin begins to remember anew.
ALTER TABLE twin_snapshot
    ADD COLUMN life bytea,
    ADD COLUMN life_sha256 bytea CHECK (octet_length(life_sha256) = 32),
    ADD CONSTRAINT twin_snapshot_life_check CHECK ((life IS NULL) = (life_sha256 IS NULL)),
    -- both are packed already: the server would spend longer on compressing them than on storing them
    SET (toast_tuple_target = 8160);
COMMENT ON COLUMN twin_snapshot.life IS
    'accumulators of the life of the battery at the watermark, packed; null = not kept, as in those older than a month';
COMMENT ON COLUMN twin_snapshot.life_sha256 IS 'SHA-256 of life';
