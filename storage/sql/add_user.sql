WITH added AS (
    INSERT INTO app_user (username, password_hash, role, all_locations)
    VALUES (%(username)s, %(password_hash)s, %(role)s, %(location_ids)s::text[] IS NULL)
    RETURNING user_key
), assigned AS (
    INSERT INTO user_location (user_key, location_id)
    SELECT user_key, unnest(%(location_ids)s::text[]) FROM added
)
SELECT user_key FROM added
