SELECT count(*) AS rows FROM late_reading
