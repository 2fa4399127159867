SELECT * FROM user_account ORDER BY lower(username)
