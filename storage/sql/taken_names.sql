-- Which of these names exist already.
SELECT 'battery_id' AS field, battery_id AS name FROM battery WHERE battery_id = ANY(%(battery_ids)s)
UNION ALL
SELECT 'string_id', string_id FROM string WHERE string_id = ANY(%(string_ids)s)
UNION ALL
SELECT 'system_id', system_id FROM system WHERE system_id = ANY(%(system_ids)s)
ORDER BY field, name
LIMIT 1
