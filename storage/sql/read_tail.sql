-- Rows newer than each battery's watermark, applied late ones among them, with the newest revision's status. oldest, the
-- smallest of the watermarks, lets whole days be left out.
SELECT r.battery_key, r.sample_time, r.voltage_v, r.current_a, r.temperature_c, r.internal_resistance_mohm,
       coalesce(v.status, r.status) AS status, r.soc, r.soc_sigma, r.soh_capacity, r.soh_capacity_sigma,
       r.soh_resistance, r.r0_ohm, r.innovation_v, r.soh_resistance_sigma, r.r0_sigma_ohm, r.innovation_sigma_v,
       r.received_s
FROM (
    SELECT t.battery_key, t.sample_time, t.voltage_v, t.current_a, t.temperature_c, t.internal_resistance_mohm,
           t.status, t.soc, t.soc_sigma, t.soh_capacity, t.soh_capacity_sigma, t.soh_resistance, t.r0_ohm,
           t.innovation_v, t.soh_resistance_sigma, t.r0_sigma_ohm, t.innovation_sigma_v, t.received_s
    FROM reading t
    JOIN unnest(%(keys)s::int[], %(watermarks)s::timestamptz[]) AS mark (battery_key, watermark)
      ON mark.battery_key = t.battery_key AND t.sample_time > mark.watermark
    WHERE t.sample_time > %(oldest)s
    UNION ALL
    SELECT l.battery_key, l.sample_time, l.voltage_v, l.current_a, l.temperature_c, l.internal_resistance_mohm,
           l.status, l.soc, l.soc_sigma, l.soh_capacity, l.soh_capacity_sigma, l.soh_resistance, l.r0_ohm,
           l.innovation_v, l.soh_resistance_sigma, l.r0_sigma_ohm, l.innovation_sigma_v, l.received_s
    FROM late_reading l
    JOIN unnest(%(keys)s::int[], %(watermarks)s::timestamptz[]) AS mark (battery_key, watermark)
      ON mark.battery_key = l.battery_key AND l.sample_time > mark.watermark
    WHERE l.applied AND l.sample_time > %(oldest)s
) r
LEFT JOIN (SELECT * FROM revised_estimate WHERE sample_time > %(oldest)s) v
  ON v.battery_key = r.battery_key AND v.sample_time = r.sample_time
