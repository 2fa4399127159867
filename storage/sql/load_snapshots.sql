-- Snapshots of one layout, newest first within a battery.
SELECT battery_key, watermark, state, sha256
FROM twin_snapshot
WHERE battery_key = ANY(%(keys)s) AND layout = %(layout)s AND superseded_at IS NULL
ORDER BY battery_key, watermark DESC, taken_at DESC
