INSERT INTO life_model_approval (model_key, approved_at, approved_by, note)
VALUES (%(model_key)s, %(at)s, %(by)s, %(note)s)
ON CONFLICT (model_key) DO NOTHING
