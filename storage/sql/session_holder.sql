-- The user of a session that is alive.
SELECT u.*
FROM user_session s
JOIN user_account u USING (user_key)
WHERE s.session_id = %(session_id)s AND s.ended_at IS NULL AND NOT u.disabled
