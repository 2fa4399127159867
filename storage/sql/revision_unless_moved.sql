-- Whether the past of a battery is still that of a revision. Locked, so that no other revision comes in between.
SELECT coalesce(max(revision), 0) = %(revision)s FROM twin_revision WHERE battery_key = %(key)s
