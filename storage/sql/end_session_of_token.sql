-- Ends the session of a refresh token; answers with it even when it had ended before.
UPDATE user_session s
SET ended_at = coalesce(s.ended_at, %(now)s)
FROM refresh_token r, app_user u
WHERE r.token_sha256 = %(token_sha256)s AND s.session_id = r.session_id AND u.user_key = s.user_key
RETURNING s.session_id, u.username
