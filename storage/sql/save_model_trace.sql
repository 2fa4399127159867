INSERT INTO model_trace (battery_key, sample_time, v1_v, v1_sigma_v, v2_v, v2_sigma_v, float_marker, float_marker_sigma)
SELECT * FROM unnest(%(battery_keys)s::int[], %(sample_times)s::timestamptz[], %(v1_v)s::real[],
                     %(v1_sigma_v)s::real[], %(v2_v)s::real[], %(v2_sigma_v)s::real[], %(float_marker)s::real[],
                     %(float_marker_sigma)s::real[])
ON CONFLICT (battery_key, sample_time) DO NOTHING
