-- The schema of Valetkey on PostgreSQL: the tables of SQLite's, in types that PostgreSQL and the distributed engines that
-- speak its protocol share. Times are seconds since the epoch, flags 0/1. Texts that are compared are compared by bytes.
-- No foreign keys: they would tie tables to one machine (docs/adr/0021), and the verbs lock what they rely on.
-- Ids are 16 bytes that begin with milliseconds. `dead_before` is such an id: what was made at or before it is revoked
-- with its owner.

CREATE TABLE clients (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id   TEXT COLLATE "C",
    disabled    BIGINT  NOT NULL CHECK (disabled IN (0, 1)),
    dead_before BYTEA   NOT NULL,
    version     BIGINT  NOT NULL,
    document    TEXT    NOT NULL,
    -- Of a client that registered itself: when. It goes if nobody uses it.
    swept_from  BIGINT
);
CREATE INDEX clients_swept ON clients (swept_from) WHERE swept_from IS NOT NULL;

CREATE TABLE users (
    id                   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id            TEXT COLLATE "C" NOT NULL,
    username             TEXT    NOT NULL,
    username_key         TEXT COLLATE "C" NOT NULL,
    name                 TEXT,
    email                TEXT,
    email_key            TEXT COLLATE "C",
    email_verified       BIGINT  NOT NULL CHECK (email_verified IN (0, 1)),
    admin                BIGINT  NOT NULL CHECK (admin IN (0, 1)),
    password             TEXT,
    must_change_password BIGINT  NOT NULL CHECK (must_change_password IN (0, 1)),
    disabled             BIGINT  NOT NULL CHECK (disabled IN (0, 1)),
    dead_before          BYTEA   NOT NULL,
    created_at           BIGINT  NOT NULL,
    updated_at           BIGINT  NOT NULL,
    version              BIGINT  NOT NULL
);
CREATE UNIQUE INDEX users_by_username ON users (tenant_id, username_key);
CREATE INDEX users_by_email ON users (tenant_id, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX users_admins ON users (id) WHERE admin = 1;

CREATE TABLE sessions (
    id           BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    token        BYTEA   NOT NULL CHECK (length(token) = 32),
    user_id      TEXT COLLATE "C" NOT NULL,
    tenant_id    TEXT COLLATE "C" NOT NULL,
    auth_time    BIGINT  NOT NULL,
    amr          TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    last_seen_at BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX sessions_by_token ON sessions (token);
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE consents (
    user_id    TEXT COLLATE "C" NOT NULL,
    client_id  TEXT COLLATE "C" NOT NULL,
    scope      TEXT    NOT NULL,
    granted_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX consents_by_client ON consents (client_id);

-- One row for what one redeemed code gave; `id` is the code's, so the primary key is the single use. A rotation changes
-- no indexed column.
CREATE TABLE grants (
    id           BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id    TEXT COLLATE "C" NOT NULL,
    user_id      TEXT COLLATE "C" NOT NULL,
    tenant_id    TEXT COLLATE "C" NOT NULL,
    session_id   BYTEA,
    scope        TEXT    NOT NULL,
    resources    TEXT    NOT NULL,
    auth_time    BIGINT  NOT NULL,
    nonce        TEXT,
    generation   BIGINT  NOT NULL,
    rotated_at   BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    last_used_at BIGINT  NOT NULL,
    idle_until   BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    access_until BIGINT  NOT NULL,
    revoked_at   BIGINT
) WITH (fillfactor = 80);
CREATE INDEX grants_by_user ON grants (user_id, id);
CREATE INDEX grants_by_client ON grants (client_id, id);

-- The revocation index at rest. `kind` as in valetkey_core::store::MarkKind.
CREATE TABLE revocations (
    kind         BIGINT  NOT NULL,
    key          BYTEA   NOT NULL,
    not_after_ms BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX revocations_by_end ON revocations (expires_at);

-- The number of the newest entry of the feed. Whoever adds one keeps this row until the commit, so that numbers are given
-- in the order of the commits.
CREATE TABLE feed (
    id  BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO feed (id, seq) VALUES (1, 0);

-- The feed by which every node hears of changes. The newest row is never swept, so a number is never given twice.
CREATE TABLE changes (
    seq  BIGINT  NOT NULL PRIMARY KEY,
    at   BIGINT  NOT NULL,
    kind BIGINT  NOT NULL,
    key  BYTEA   NOT NULL
);

CREATE TABLE scopes (
    name        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    description TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    is_default  BIGINT  NOT NULL CHECK (is_default IN (0, 1)),
    standard    BIGINT  NOT NULL CHECK (standard IN (0, 1))
);

CREATE TABLE apis (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    resource TEXT COLLATE "C" NOT NULL UNIQUE,
    version  BIGINT  NOT NULL,
    document TEXT    NOT NULL
);

CREATE TABLE keys (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    id         TEXT COLLATE "C" NOT NULL UNIQUE,
    purpose    BIGINT  NOT NULL,
    algorithm  TEXT    NOT NULL,
    wrapped    BYTEA   NOT NULL,
    created_at BIGINT  NOT NULL,
    active_at  BIGINT  NOT NULL,
    retired_at BIGINT
);

CREATE TABLE attempts (
    key        BYTEA   NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    count      BIGINT  NOT NULL,
    wait_until BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE audit (
    id        BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at        BIGINT  NOT NULL,
    event     TEXT    NOT NULL,
    actor     TEXT    NOT NULL,
    client_id TEXT COLLATE "C",
    user_id   TEXT COLLATE "C",
    tenant_id TEXT COLLATE "C",
    address   TEXT,
    request   TEXT,
    object    TEXT
);
CREATE INDEX audit_by_client ON audit (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX audit_by_user ON audit (user_id, id) WHERE user_id IS NOT NULL;

-- How far each sweep has looked.
CREATE TABLE upkeep (
    task   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    cursor BYTEA   NOT NULL
);
