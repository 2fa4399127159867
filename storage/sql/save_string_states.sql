INSERT INTO string_state (string_id, as_of, layout, state, digest)
SELECT * FROM unnest(%(string_ids)s::text[], %(as_of)s::timestamptz[], %(layouts)s::text[], %(states)s::bytea[],
                     %(digests)s::bytea[])
ON CONFLICT (string_id) DO UPDATE
SET as_of = excluded.as_of, layout = excluded.layout, state = excluded.state, digest = excluded.digest
