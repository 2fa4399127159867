UPDATE user_session SET ended_at = %(now)s WHERE user_key = %(user_key)s AND ended_at IS NULL
RETURNING session_id
