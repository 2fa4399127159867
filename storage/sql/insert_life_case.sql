INSERT INTO life_case (battery_key, unit_seq, as_of, predicted_at, model_key, told_days, model_days, inputs_layout, inputs)
VALUES (%(battery_key)s, %(unit_seq)s, %(as_of)s, %(predicted_at)s, %(model_key)s, %(told_days)s, %(model_days)s,
        %(inputs_layout)s, %(inputs)s)
