UPDATE user_session SET ended_at = %(now)s WHERE session_id = %(session_id)s AND ended_at IS NULL
