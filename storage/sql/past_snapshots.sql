-- Snapshots of one battery that held at a moment as it was known then, newest first.
SELECT watermark, state, sha256, life, life_sha256
FROM twin_snapshot
WHERE battery_key = %(key)s AND layout = %(layout)s AND watermark <= %(time)s AND damaged_at IS NULL
  AND CASE WHEN %(known)s::timestamptz IS NULL THEN superseded_at IS NULL
           ELSE taken_at <= %(known)s AND (superseded_at IS NULL OR superseded_at > %(known)s) END
ORDER BY watermark DESC, taken_at DESC
LIMIT 3
