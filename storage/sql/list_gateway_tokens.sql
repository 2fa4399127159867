SELECT * FROM gateway_token ORDER BY created_at, token_id
