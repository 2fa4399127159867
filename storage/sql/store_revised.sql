-- The newest revision of a row stands.
INSERT INTO revised_estimate (
    battery_key, sample_time, revision, status, soc, soc_sigma, soh_capacity, soh_capacity_sigma, soh_resistance,
    r0_ohm, innovation_v, soh_resistance_sigma, r0_sigma_ohm, innovation_sigma_v
)
SELECT i.battery_key, i.sample_time, n.revision, i.status, i.soc, i.soc_sigma, i.soh_capacity, i.soh_capacity_sigma,
       i.soh_resistance, i.r0_ohm, i.innovation_v, i.soh_resistance_sigma, i.r0_sigma_ohm, i.innovation_sigma_v
FROM revised_incoming i
JOIN (
    SELECT battery_key, max(revision) AS revision FROM twin_revision
    WHERE battery_key = ANY(%(keys)s) GROUP BY battery_key
) n USING (battery_key)
ON CONFLICT (battery_key, sample_time) DO UPDATE SET
    revision = excluded.revision, status = excluded.status, soc = excluded.soc, soc_sigma = excluded.soc_sigma,
    soh_capacity = excluded.soh_capacity, soh_capacity_sigma = excluded.soh_capacity_sigma,
    soh_resistance = excluded.soh_resistance, r0_ohm = excluded.r0_ohm, innovation_v = excluded.innovation_v,
    soh_resistance_sigma = excluded.soh_resistance_sigma, r0_sigma_ohm = excluded.r0_sigma_ohm,
    innovation_sigma_v = excluded.innovation_sigma_v
