-- Estimates of newer revisions of some batteries and days, in the columns of reading; received_s is the revision.
COPY (
    SELECT battery_key, sample_time, 'NaN'::real, 'NaN'::real, 'NaN'::real, 'NaN'::real, status, soc, soc_sigma,
           soh_capacity, soh_capacity_sigma, soh_resistance, r0_ohm, innovation_v, soh_resistance_sigma, r0_sigma_ohm,
           innovation_sigma_v, revision
    FROM revised_estimate
    WHERE sample_time >= %(start)s AND sample_time < %(end)s AND battery_key BETWEEN %(first_key)s AND %(last_key)s
) TO STDOUT (FORMAT binary)
