-- A snapshot that is not what it was when it was stored is never used again, and told of.
ALTER TABLE twin_snapshot ADD COLUMN damaged_at timestamptz;
CREATE INDEX twin_snapshot_damaged_idx ON twin_snapshot (battery_key) WHERE damaged_at IS NOT NULL;
COMMENT ON COLUMN twin_snapshot.damaged_at IS 'when its SHA-256 was found not to fit; null = sound as far as is known';
