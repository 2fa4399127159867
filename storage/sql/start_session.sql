-- Starts a session with its first refresh token if the user's password is still the one that was checked, and forgets
-- sessions of the user that can no longer be renewed. The lock waits for a change of password that is under way.
WITH holder AS (
    SELECT user_key FROM app_user
    WHERE user_key = %(user_key)s AND password_hash = %(password_hash)s AND NOT disabled
    FOR SHARE
), forgotten AS (
    DELETE FROM user_session s
    WHERE s.user_key = %(user_key)s
      AND NOT EXISTS (SELECT FROM refresh_token r WHERE r.session_id = s.session_id AND r.expires_at > %(now)s)
), started AS (
    INSERT INTO user_session (session_id, user_key, started_at)
    SELECT %(session_id)s, user_key, %(now)s FROM holder
    RETURNING session_id
)
INSERT INTO refresh_token (token_sha256, session_id, issued_at, expires_at)
SELECT %(token_sha256)s, session_id, %(now)s, %(expires_at)s FROM started
