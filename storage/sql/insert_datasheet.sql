-- Adds a data sheet, or finds the one of this model; the content tells which.
WITH added AS (
    INSERT INTO datasheet (model, content) VALUES (%(model)s, %(content)s)
    ON CONFLICT (model) DO NOTHING
    RETURNING content
)
SELECT content FROM added
UNION ALL
SELECT content FROM datasheet WHERE model = %(model)s
LIMIT 1
