UPDATE app_user SET password_hash = %(password_hash)s WHERE user_key = %(user_key)s
