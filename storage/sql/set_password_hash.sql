-- Replaces a hash that is still the stored one; null = whatever is stored.
UPDATE app_user SET password_hash = %(password_hash)s
WHERE user_key = %(user_key)s AND password_hash = coalesce(%(old_hash)s, password_hash)
