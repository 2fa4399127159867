SELECT count(*)::int AS damaged FROM twin_snapshot WHERE damaged_at IS NOT NULL
