UPDATE archive_file SET superseded_at = now() WHERE path = ANY(%(paths)s) AND superseded_at IS NULL
