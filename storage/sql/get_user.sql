-- One user by name, in any case of letters.
SELECT * FROM user_account WHERE lower(username) = lower(%(username)s)
