-- The last prediction of each month of some lives with what it rested on, as far as that is still kept. The length of
-- the inputs tells their layout.
SELECT m.*
FROM unnest(%(keys)s::int[], %(units)s::smallint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS block (battery_key, unit_seq, begin_at, end_at)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (date_trunc('month', p.as_of))
           p.battery_key, p.unit_seq, p.as_of, p.predicted_at, p.model_key, p.days_50 AS told_days, p.model_days,
           l.layout AS inputs_layout, i.inputs
    FROM prediction p
    JOIN prediction_input i USING (battery_key, predicted_at)
    JOIN unnest(%(lengths)s::int[], %(layouts)s::text[]) AS l (length, layout) ON l.length = octet_length(i.inputs)
    WHERE p.battery_key = block.battery_key AND p.role = 1 AND p.unit_seq = block.unit_seq
      AND p.as_of > block.begin_at AND p.as_of < block.end_at
    ORDER BY date_trunc('month', p.as_of), p.as_of DESC, p.predicted_at DESC
) m
ORDER BY m.battery_key, m.unit_seq, m.as_of
