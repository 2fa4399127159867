-- Revised rows wait in a temporary table until their revision has its number. Its columns are named: a newer version may
-- have added others to the table.
CREATE TEMP TABLE IF NOT EXISTS revised_incoming ON COMMIT DELETE ROWS AS
SELECT battery_key, sample_time, voltage_v, current_a, temperature_c, internal_resistance_mohm, status,
       soc, soc_sigma, soh_capacity, soh_capacity_sigma, soh_resistance, r0_ohm, innovation_v,
       soh_resistance_sigma, r0_sigma_ohm, innovation_sigma_v, received_s
FROM reading WITH NO DATA;
COPY revised_incoming FROM STDIN (FORMAT binary)
