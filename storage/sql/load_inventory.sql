-- Every battery with all that stands above it, in order of registration.
SELECT g.grid_id, l.location_id, l.display_name, l.region, l.latitude_deg, l.longitude_deg, l.clock, l.sample_period_s,
       s.system_id, s.kind, t.string_id, t.model,
       b.battery_key, b.battery_id, b.position, b.serial, b.unit_seq, b.installed_on
FROM battery b
JOIN string t USING (string_key)
JOIN system s USING (system_key)
JOIN location l USING (location_key)
JOIN grid g USING (grid_key)
ORDER BY l.location_key, s.system_key, t.string_key, b.position
