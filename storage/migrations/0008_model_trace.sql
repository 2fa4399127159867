-- The slow and hidden states of each twin once an hour: a float marker that creeps for months tells of dry-out.
CREATE TABLE model_trace (
    battery_key integer NOT NULL,
    sample_time timestamptz NOT NULL,
    v1_v real NOT NULL,
    v1_sigma_v real NOT NULL,
    v2_v real NOT NULL,
    v2_sigma_v real NOT NULL,
    float_marker real NOT NULL,
    float_marker_sigma real NOT NULL,
    PRIMARY KEY (battery_key, sample_time)
);
COMMENT ON TABLE model_trace IS 'Once an hour, what the model of a twin knows beside the estimates in reading. NaN = not known';
COMMENT ON COLUMN model_trace.sample_time IS 'when measured: that of a row of reading';
COMMENT ON COLUMN model_trace.v1_v IS 'V; fast polarisation, > 0 while charging';
COMMENT ON COLUMN model_trace.v1_sigma_v IS 'V; standard deviation of v1_v';
COMMENT ON COLUMN model_trace.v2_v IS 'V; slow polarisation, > 0 while charging';
COMMENT ON COLUMN model_trace.v2_sigma_v IS 'V; standard deviation of v2_v';
COMMENT ON COLUMN model_trace.float_marker IS 'ln(float current / own gassing current)';
COMMENT ON COLUMN model_trace.float_marker_sigma IS 'standard deviation of float_marker';
