INSERT INTO twin_input (battery_key, seq, watermark, kind, at, soh_capacity, sigma, source_id, discharge_positive,
                        offset_a, known_at)
SELECT *, %(known_at)s::timestamptz
FROM unnest(%(keys)s::int[], %(seqs)s::int[], %(watermarks)s::timestamptz[], %(kinds)s::smallint[],
            %(times)s::timestamptz[], %(sohs)s::float8[], %(sigmas)s::float8[], %(sources)s::text[],
            %(swapped)s::boolean[], %(offsets)s::float8[])
