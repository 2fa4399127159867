INSERT INTO twin_snapshot (battery_key, watermark, layout, state, sha256, life, life_sha256)
SELECT * FROM unnest(%(keys)s::int[], %(watermarks)s::timestamptz[], %(layouts)s::text[], %(states)b::bytea[],
                     %(digests)b::bytea[], %(lives)b::bytea[], %(life_digests)b::bytea[])
ON CONFLICT (battery_key, layout, watermark, taken_at)
DO UPDATE SET state = excluded.state, sha256 = excluded.sha256, life = excluded.life, life_sha256 = excluded.life_sha256
