SELECT path FROM archive_file WHERE superseded_at < now() - make_interval(secs => %(grace_s)s)
