INSERT INTO life_model (version, inputs_layout, trained_at, card, archive, sha256, imported_at, imported_by)
VALUES (%(version)s, %(inputs_layout)s, %(trained_at)s, %(card)s, %(archive)s, %(sha256)s, %(at)s, %(by)s)
ON CONFLICT (version) DO NOTHING
