-- Adds a string and its batteries; answers with their keys.
WITH new_string AS (
    INSERT INTO string (string_id, system_key, model) VALUES (%(string_id)s, %(system_key)s, %(model)s)
    RETURNING string_key
)
INSERT INTO battery (battery_id, string_key, position, serial, unit_seq, installed_on)
SELECT slot.battery_id, new_string.string_key, slot.position, slot.serial, slot.unit_seq, slot.installed_on
FROM new_string,
     unnest(%(battery_ids)s::text[], %(positions)s::smallint[], %(serials)s::text[], %(unit_seqs)s::smallint[],
            %(installed_on)s::date[]) WITH ORDINALITY
         AS slot (battery_id, position, serial, unit_seq, installed_on, place)
ORDER BY slot.place
RETURNING battery_id, battery_key
