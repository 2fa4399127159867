-- Everything of one day and some batteries, as the newest revision has it; late: 0 in time, 1 late, 2 too late.
COPY (
    SELECT r.battery_key, r.sample_time, r.voltage_v, r.current_a, r.temperature_c, r.internal_resistance_mohm,
           coalesce(v.status, r.status), coalesce(v.soc, r.soc), coalesce(v.soc_sigma, r.soc_sigma),
           coalesce(v.soh_capacity, r.soh_capacity), coalesce(v.soh_capacity_sigma, r.soh_capacity_sigma),
           coalesce(v.soh_resistance, r.soh_resistance), coalesce(v.r0_ohm, r.r0_ohm),
           coalesce(v.innovation_v, r.innovation_v), coalesce(v.soh_resistance_sigma, r.soh_resistance_sigma),
           coalesce(v.r0_sigma_ohm, r.r0_sigma_ohm), coalesce(v.innovation_sigma_v, r.innovation_sigma_v), r.received_s
    FROM {source} r
    LEFT JOIN revised_estimate v ON v.battery_key = r.battery_key AND v.sample_time = r.sample_time
    WHERE r.sample_time >= %(start)s AND r.sample_time < %(end)s
      AND r.battery_key >= %(first_key)s AND r.battery_key < %(next_key)s {condition}
) TO STDOUT (FORMAT binary)
