SELECT archive, sha256 FROM life_model WHERE version = %(version)s
