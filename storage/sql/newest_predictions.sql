-- The newest prediction of every battery that was told.
SELECT p.*
FROM battery b
CROSS JOIN LATERAL (
    SELECT * FROM prediction
    WHERE battery_key = b.battery_key AND role = 1
    ORDER BY predicted_at DESC
    LIMIT 1
) p
