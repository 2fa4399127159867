DELETE FROM late_reading
WHERE sample_time < %(raw_before)s
  AND received_s < extract(epoch FROM %(raw_before)s::timestamptz)::bigint - 1577836800
