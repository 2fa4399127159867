-- Of locations on the wall's clock; replayed history is as old as it is.
DELETE FROM model_trace t
USING battery b, string s, system y, location l
WHERE t.sample_time < %(raw_before)s AND b.battery_key = t.battery_key AND s.string_key = b.string_key
  AND y.system_key = s.system_key AND l.location_key = y.location_key AND l.clock = 1
