-- Who may call, and what was done.

CREATE TABLE app_user (
    user_key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username text NOT NULL CHECK (username ~ '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$'),
    password_hash text NOT NULL,
    role smallint NOT NULL CHECK (role BETWEEN 1 AND 3),
    all_locations boolean NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX app_user_username_idx ON app_user (lower(username));
COMMENT ON COLUMN app_user.password_hash IS 'argon2id in PHC string format: parameters, salt and hash';
COMMENT ON COLUMN app_user.role IS 'Role: 1 viewer, 2 engineer, 3 admin';
COMMENT ON COLUMN app_user.all_locations IS 'true = every location, also future ones; false = those in user_location alone';

CREATE TABLE user_location (
    user_key int NOT NULL REFERENCES app_user,
    location_id text NOT NULL REFERENCES location (location_id),
    PRIMARY KEY (user_key, location_id)
);

CREATE VIEW user_account AS
SELECT u.user_key, u.username, u.password_hash, u.role, u.disabled,
       CASE WHEN NOT u.all_locations
            THEN ARRAY(SELECT p.location_id FROM user_location p WHERE p.user_key = u.user_key ORDER BY p.location_id)
       END AS location_ids
FROM app_user u;
COMMENT ON COLUMN user_account.location_ids IS 'null = every location';

CREATE TABLE user_session (
    session_id uuid PRIMARY KEY,
    user_key int NOT NULL REFERENCES app_user,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX user_session_user_key_idx ON user_session (user_key);
COMMENT ON COLUMN user_session.ended_at IS 'logout, change of password, or a spent refresh token used again; null = alive';

-- A session is a family of refresh tokens of which one is unspent.
CREATE TABLE refresh_token (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    session_id uuid NOT NULL REFERENCES user_session ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    spent_at timestamptz
);
CREATE INDEX refresh_token_session_id_idx ON refresh_token (session_id);
COMMENT ON COLUMN refresh_token.spent_at IS 'when it was traded for a new one; null = not yet';

CREATE TABLE gateway_token (
    token_id text PRIMARY KEY,
    secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
    location_id text NOT NULL REFERENCES location (location_id),
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    revoked_at timestamptz,
    last_used_at timestamptz
);
COMMENT ON COLUMN gateway_token.secret_sha256 IS 'plain SHA-256: the secret has 256 random bits, so it cannot be guessed from it';
COMMENT ON COLUMN gateway_token.last_used_at IS 'to the minute or so; null = never';

CREATE TABLE audit_entry (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    peer text NOT NULL,
    request_id text NOT NULL
);
CREATE INDEX audit_entry_at_idx ON audit_entry (at);
COMMENT ON TABLE audit_entry IS 'Append-only: who did what, when, why and from where';
COMMENT ON COLUMN audit_entry.peer IS 'network address of the caller, or "command line"';

CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'BT002';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
