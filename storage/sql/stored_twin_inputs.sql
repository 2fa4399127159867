SELECT i.battery_key, i.source_id
FROM twin_input i
JOIN unnest(%(keys)s::int[], %(sources)s::text[]) AS asked (battery_key, source_id)
  ON asked.battery_key = i.battery_key AND asked.source_id = i.source_id
