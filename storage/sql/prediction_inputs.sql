-- What predictions rested on, as far as it is kept.
SELECT asked.place::int AS place, i.inputs
FROM unnest(%(keys)s::int[], %(times)s::timestamptz[]) WITH ORDINALITY AS asked (battery_key, predicted_at, place)
JOIN prediction_input i USING (battery_key, predicted_at)
