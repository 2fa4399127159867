-- Starts a session with its first refresh token, and forgets sessions of the user that can no longer be renewed.
WITH forgotten AS (
    DELETE FROM user_session s
    WHERE s.user_key = %(user_key)s
      AND NOT EXISTS (SELECT FROM refresh_token r WHERE r.session_id = s.session_id AND r.expires_at > %(now)s)
), started AS (
    INSERT INTO user_session (session_id, user_key, started_at) VALUES (%(session_id)s, %(user_key)s, %(now)s)
)
INSERT INTO refresh_token (token_sha256, session_id, issued_at, expires_at)
VALUES (%(token_sha256)s, %(session_id)s, %(now)s, %(expires_at)s)
