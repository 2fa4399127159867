-- Where the server has TimescaleDB: reading becomes a hypertable, a chunk a UTC day, and its hours are kept up to date by
-- the extension. Rows that are there already move over. Tables beside it (late rows, revisions) stay plain, so that no
-- ON CONFLICT meets a compressed chunk.

ALTER TABLE reading RENAME TO reading_by_day;
ALTER INDEX reading_sample_time_brin RENAME TO reading_by_day_brin;
CREATE TABLE reading (LIKE reading_by_day INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS);
COMMENT ON TABLE reading IS 'What was measured and what the twin made of it. NaN = not measured or not known';
SELECT create_hypertable('reading', by_range('sample_time', interval '1 day'), create_default_indexes => false);
CREATE INDEX reading_battery_time ON reading (battery_key, sample_time);
INSERT INTO reading SELECT * FROM reading_by_day;
DROP TABLE reading_by_day;

ALTER TABLE reading SET (
    timescaledb.enable_columnstore = true,
    timescaledb.segmentby = 'battery_key',
    timescaledb.orderby = 'sample_time'
);

-- NaN means "not measured", so it counts as null. Sums, because longer times are put together from hours.
CREATE MATERIALIZED VIEW reading_hour WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT
    battery_key, time_bucket(interval '1 hour', sample_time) AS hour,
    count(*)::int AS row_count, bool_or(status & 1 = 1) AS suspect,
    count(nullif(voltage_v, 'NaN')) AS n_voltage_v, sum(nullif(voltage_v, 'NaN')::double precision) AS sum_voltage_v,
    min(nullif(voltage_v, 'NaN')) AS min_voltage_v, max(nullif(voltage_v, 'NaN')) AS max_voltage_v,
    count(nullif(current_a, 'NaN')) AS n_current_a, sum(nullif(current_a, 'NaN')::double precision) AS sum_current_a,
    min(nullif(current_a, 'NaN')) AS min_current_a, max(nullif(current_a, 'NaN')) AS max_current_a,
    count(nullif(temperature_c, 'NaN')) AS n_temperature_c, sum(nullif(temperature_c, 'NaN')::double precision) AS sum_temperature_c,
    min(nullif(temperature_c, 'NaN')) AS min_temperature_c, max(nullif(temperature_c, 'NaN')) AS max_temperature_c,
    count(nullif(internal_resistance_mohm, 'NaN')) AS n_internal_resistance_mohm, sum(nullif(internal_resistance_mohm, 'NaN')::double precision) AS sum_internal_resistance_mohm,
    min(nullif(internal_resistance_mohm, 'NaN')) AS min_internal_resistance_mohm, max(nullif(internal_resistance_mohm, 'NaN')) AS max_internal_resistance_mohm,
    count(nullif(soc, 'NaN')) AS n_soc, sum(nullif(soc, 'NaN')::double precision) AS sum_soc,
    min(nullif(soc, 'NaN')) AS min_soc, max(nullif(soc, 'NaN')) AS max_soc,
    count(nullif(soc_sigma, 'NaN')) AS n_soc_sigma, sum(nullif(soc_sigma, 'NaN')::double precision) AS sum_soc_sigma,
    min(nullif(soc_sigma, 'NaN')) AS min_soc_sigma, max(nullif(soc_sigma, 'NaN')) AS max_soc_sigma,
    count(nullif(soh_capacity, 'NaN')) AS n_soh_capacity, sum(nullif(soh_capacity, 'NaN')::double precision) AS sum_soh_capacity,
    min(nullif(soh_capacity, 'NaN')) AS min_soh_capacity, max(nullif(soh_capacity, 'NaN')) AS max_soh_capacity,
    count(nullif(soh_capacity_sigma, 'NaN')) AS n_soh_capacity_sigma, sum(nullif(soh_capacity_sigma, 'NaN')::double precision) AS sum_soh_capacity_sigma,
    min(nullif(soh_capacity_sigma, 'NaN')) AS min_soh_capacity_sigma, max(nullif(soh_capacity_sigma, 'NaN')) AS max_soh_capacity_sigma,
    count(nullif(soh_resistance, 'NaN')) AS n_soh_resistance, sum(nullif(soh_resistance, 'NaN')::double precision) AS sum_soh_resistance,
    min(nullif(soh_resistance, 'NaN')) AS min_soh_resistance, max(nullif(soh_resistance, 'NaN')) AS max_soh_resistance,
    count(nullif(r0_ohm, 'NaN')) AS n_r0_ohm, sum(nullif(r0_ohm, 'NaN')::double precision) AS sum_r0_ohm,
    min(nullif(r0_ohm, 'NaN')) AS min_r0_ohm, max(nullif(r0_ohm, 'NaN')) AS max_r0_ohm,
    count(nullif(innovation_v, 'NaN')) AS n_innovation_v, sum(nullif(innovation_v, 'NaN')::double precision) AS sum_innovation_v,
    min(nullif(innovation_v, 'NaN')) AS min_innovation_v, max(nullif(innovation_v, 'NaN')) AS max_innovation_v,
    count(nullif(soh_resistance_sigma, 'NaN')) AS n_soh_resistance_sigma, sum(nullif(soh_resistance_sigma, 'NaN')::double precision) AS sum_soh_resistance_sigma,
    min(nullif(soh_resistance_sigma, 'NaN')) AS min_soh_resistance_sigma, max(nullif(soh_resistance_sigma, 'NaN')) AS max_soh_resistance_sigma,
    count(nullif(r0_sigma_ohm, 'NaN')) AS n_r0_sigma_ohm, sum(nullif(r0_sigma_ohm, 'NaN')::double precision) AS sum_r0_sigma_ohm,
    min(nullif(r0_sigma_ohm, 'NaN')) AS min_r0_sigma_ohm, max(nullif(r0_sigma_ohm, 'NaN')) AS max_r0_sigma_ohm,
    count(nullif(innovation_sigma_v, 'NaN')) AS n_innovation_sigma_v, sum(nullif(innovation_sigma_v, 'NaN')::double precision) AS sum_innovation_sigma_v,
    min(nullif(innovation_sigma_v, 'NaN')) AS min_innovation_sigma_v, max(nullif(innovation_sigma_v, 'NaN')) AS max_innovation_sigma_v
FROM reading
GROUP BY battery_key, hour
WITH NO DATA;
ALTER MATERIALIZED VIEW reading_hour SET (timescaledb.enable_columnstore = true);
