-- The sigmas of innovation, R0 and resistance health beside their values: an innovation says nothing without the size
-- that the filter expected of it. Rows of before know none.
ALTER TABLE reading
    ADD COLUMN soh_resistance_sigma real NOT NULL DEFAULT 'NaN',
    ADD COLUMN r0_sigma_ohm real NOT NULL DEFAULT 'NaN',
    ADD COLUMN innovation_sigma_v real NOT NULL DEFAULT 'NaN';
ALTER TABLE reading
    ALTER COLUMN soh_resistance_sigma DROP DEFAULT,
    ALTER COLUMN r0_sigma_ohm DROP DEFAULT,
    ALTER COLUMN innovation_sigma_v DROP DEFAULT;
ALTER TABLE late_reading
    ADD COLUMN soh_resistance_sigma real NOT NULL DEFAULT 'NaN',
    ADD COLUMN r0_sigma_ohm real NOT NULL DEFAULT 'NaN',
    ADD COLUMN innovation_sigma_v real NOT NULL DEFAULT 'NaN';
ALTER TABLE late_reading
    ALTER COLUMN soh_resistance_sigma DROP DEFAULT,
    ALTER COLUMN r0_sigma_ohm DROP DEFAULT,
    ALTER COLUMN innovation_sigma_v DROP DEFAULT;
COMMENT ON COLUMN reading.soh_resistance_sigma IS 'ratio; standard deviation of soh_resistance';
COMMENT ON COLUMN reading.r0_sigma_ohm IS 'Ohm; standard deviation of r0_ohm';
COMMENT ON COLUMN reading.innovation_sigma_v IS 'V; size of the innovation that the filter expected';
COMMENT ON COLUMN late_reading.soh_resistance_sigma IS 'ratio; standard deviation of soh_resistance';
COMMENT ON COLUMN late_reading.r0_sigma_ohm IS 'Ohm; standard deviation of r0_ohm';
COMMENT ON COLUMN late_reading.innovation_sigma_v IS 'V; size of the innovation that the filter expected';
