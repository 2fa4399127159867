SELECT coalesce(max(revision), 0)::int FROM twin_revision
WHERE battery_key = %(key)s AND (%(known)s::timestamptz IS NULL OR known_at <= %(known)s)
