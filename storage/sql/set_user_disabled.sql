UPDATE app_user SET disabled = %(disabled)s WHERE user_key = %(user_key)s
