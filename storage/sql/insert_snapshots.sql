INSERT INTO twin_snapshot (battery_key, watermark, layout, state, sha256, life, life_sha256)
SELECT * FROM unnest(%(keys)s::int[], %(watermarks)s::timestamptz[], %(layouts)s::text[], %(states)s::bytea[],
                     %(digests)s::bytea[], %(lives)s::bytea[], %(life_digests)s::bytea[])
ON CONFLICT (battery_key, layout, watermark, taken_at)
DO UPDATE SET state = excluded.state, sha256 = excluded.sha256, life = excluded.life, life_sha256 = excluded.life_sha256
