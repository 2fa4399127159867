-- Alerts as people see them: with names instead of keys, and with the state that follows from what has happened.
CREATE VIEW alert_status AS
SELECT a.alert_id,
       coalesce(b.battery_id, '') AS battery_id,
       coalesce(t.string_id, a.string_id) AS string_id,
       coalesce(l.location_id, a.location_id) AS location_id,
       a.rule, a.severity,
       CASE
           WHEN a.resolved_at IS NOT NULL THEN 4
           WHEN a.cleared_at IS NOT NULL AND a.acknowledged_at IS NOT NULL THEN 4
           WHEN a.shelved_until > now() THEN 5
           WHEN a.cleared_at IS NOT NULL THEN 3
           WHEN a.acknowledged_at IS NOT NULL THEN 2
           ELSE 1
       END AS state,
       a.message, a.value, a.threshold, a.unit,
       a.raised_at, a.cleared_at,
       a.acknowledged_at, a.acknowledged_by, a.acknowledged_note,
       a.resolved_at, a.resolved_by, a.resolved_note
FROM alert a
LEFT JOIN battery b USING (battery_key)
LEFT JOIN string t USING (string_key)
LEFT JOIN system s USING (system_key)
LEFT JOIN location l USING (location_key);
COMMENT ON COLUMN alert_status.state IS 'AlertState: 1 raised, 2 acknowledged, 3 cleared, 4 resolved, 5 shelved';
