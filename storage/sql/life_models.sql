-- All models, newest first, each with its state: 3 active, 2 shadow, 4 was active once, else 1.
SELECT m.model_key, m.version, m.inputs_layout, m.trained_at, m.card, m.sha256, length(m.archive) AS byte_count,
       m.imported_at, m.imported_by, a.approved_at, coalesce(a.approved_by, '') AS approved_by,
       coalesce(a.note, '') AS approve_note, s.switched_at, coalesce(s.switched_by, '') AS switched_by,
       CASE WHEN m.model_key = (SELECT model_key FROM life_model_switch WHERE role = 1 ORDER BY switch_id DESC LIMIT 1)
            THEN 3
            WHEN m.model_key = (SELECT model_key FROM life_model_switch WHERE role = 2 ORDER BY switch_id DESC LIMIT 1)
            THEN 2
            WHEN s.switched_at IS NOT NULL THEN 4
            ELSE 1 END AS state
FROM life_model m
LEFT JOIN life_model_approval a USING (model_key)
LEFT JOIN LATERAL (
    SELECT switched_at, switched_by FROM life_model_switch
    WHERE model_key = m.model_key AND role = 1 ORDER BY switch_id DESC LIMIT 1
) s ON true
WHERE %(version)s::text IS NULL OR m.version = %(version)s
ORDER BY m.model_key DESC
