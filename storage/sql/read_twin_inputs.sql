-- Inputs of each battery after those that it has taken, in the order of their places.
SELECT i.battery_key, i.seq, i.watermark, i.kind, i.at, i.soh_capacity, i.sigma, i.source_id, i.discharge_positive, i.offset_a
FROM twin_input i
JOIN unnest(%(keys)s::int[], %(seqs)s::int[]) AS taken (battery_key, seq)
  ON taken.battery_key = i.battery_key AND i.seq > taken.seq
ORDER BY i.battery_key, i.watermark, i.seq
