-- Late rows come through a temporary table, because COPY cannot pass over rows that are there already. Its columns are
-- named: a newer version may have added others to the table. Whether they were applied is filled in.
CREATE TEMP TABLE IF NOT EXISTS late_incoming ON COMMIT DELETE ROWS AS
SELECT battery_key, sample_time, voltage_v, current_a, temperature_c, internal_resistance_mohm, status,
       soc, soc_sigma, soh_capacity, soh_capacity_sigma, soh_resistance, r0_ohm, innovation_v,
       soh_resistance_sigma, r0_sigma_ohm, innovation_sigma_v, received_s
FROM reading WITH NO DATA;
TRUNCATE late_incoming;
COPY late_incoming FROM STDIN (FORMAT binary);
INSERT INTO late_reading (
    battery_key, sample_time, voltage_v, current_a, temperature_c, internal_resistance_mohm, status,
    soc, soc_sigma, soh_capacity, soh_capacity_sigma, soh_resistance, r0_ohm, innovation_v,
    soh_resistance_sigma, r0_sigma_ohm, innovation_sigma_v, received_s, applied
)
SELECT i.*, {applied} FROM late_incoming i ON CONFLICT DO NOTHING
