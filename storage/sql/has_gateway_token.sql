-- Whether a token was ever made for a location, a revoked one too.
SELECT EXISTS (SELECT FROM gateway_token WHERE location_id = %(location_id)s) AS found
