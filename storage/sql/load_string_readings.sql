SELECT string_id, sample_time, voltage_v, current_a, mode FROM string_reading
