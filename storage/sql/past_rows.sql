-- Applied rows of one battery in a stretch of time, as they were known at a moment.
COPY (
    SELECT r.battery_key, r.sample_time, r.voltage_v, r.current_a, r.temperature_c, r.internal_resistance_mohm,
           coalesce(v.status, r.status), coalesce(v.soc, r.soc), coalesce(v.soc_sigma, r.soc_sigma),
           coalesce(v.soh_capacity, r.soh_capacity), coalesce(v.soh_capacity_sigma, r.soh_capacity_sigma),
           coalesce(v.soh_resistance, r.soh_resistance), coalesce(v.r0_ohm, r.r0_ohm),
           coalesce(v.innovation_v, r.innovation_v), coalesce(v.soh_resistance_sigma, r.soh_resistance_sigma),
           coalesce(v.r0_sigma_ohm, r.r0_sigma_ohm), coalesce(v.innovation_sigma_v, r.innovation_sigma_v), r.received_s
    FROM (
        (SELECT * FROM reading
         WHERE battery_key = %(key)s AND sample_time > %(after)s AND sample_time <= %(time)s
           AND received_s <= %(known_s)s {newest})
        UNION ALL
        (SELECT battery_key, sample_time, voltage_v, current_a, temperature_c, internal_resistance_mohm, status, soc,
                soc_sigma, soh_capacity, soh_capacity_sigma, soh_resistance, r0_ohm, innovation_v,
                soh_resistance_sigma, r0_sigma_ohm, innovation_sigma_v, received_s
         FROM late_reading
         WHERE applied AND battery_key = %(key)s AND sample_time > %(after)s AND sample_time <= %(time)s
           AND received_s <= %(known_s)s {newest})
    ) r
    LEFT JOIN (
        SELECT e.* FROM revised_estimate e JOIN twin_revision n USING (battery_key, revision)
        WHERE e.battery_key = %(key)s AND (%(known)s::timestamptz IS NULL OR n.known_at <= %(known)s)
    ) v ON v.sample_time = r.sample_time
) TO STDOUT (FORMAT binary)
