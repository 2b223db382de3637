-- The schema of Valetkey on SQLite. Times are seconds since the epoch, flags 0/1.
-- Ids are 16 bytes that begin with milliseconds: rows made together stand together, and a primary key is the only index
-- that a hot row needs. `dead_before` is such an id: what was made at or before it is revoked with its owner.

PRAGMA application_id = 0x566b6579;

CREATE TABLE clients (
    id          TEXT    NOT NULL PRIMARY KEY,
    tenant_id   TEXT,
    disabled    INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    dead_before BLOB    NOT NULL,
    version     INTEGER NOT NULL,
    document    TEXT    NOT NULL,
    -- Of a client that registered itself: when. It goes if nobody uses it.
    swept_from  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX clients_swept ON clients (swept_from) WHERE swept_from IS NOT NULL;

CREATE TABLE users (
    id                   TEXT    NOT NULL PRIMARY KEY,
    tenant_id            TEXT    NOT NULL,
    username             TEXT    NOT NULL,
    username_key         TEXT    NOT NULL,
    name                 TEXT,
    email                TEXT,
    email_key            TEXT,
    email_verified       INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    admin                INTEGER NOT NULL CHECK (admin IN (0, 1)),
    password             TEXT,
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    disabled             INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    dead_before          BLOB    NOT NULL,
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    version              INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_by_username ON users (tenant_id, username_key);
CREATE INDEX users_by_email ON users (tenant_id, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX users_admins ON users (id) WHERE admin = 1;

CREATE TABLE sessions (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    token        BLOB    NOT NULL CHECK (length(token) = 32),
    user_id      TEXT    NOT NULL REFERENCES users (id),
    tenant_id    TEXT    NOT NULL,
    auth_time    INTEGER NOT NULL,
    amr          TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_by_token ON sessions (token);
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE consents (
    user_id    TEXT    NOT NULL REFERENCES users (id),
    client_id  TEXT    NOT NULL REFERENCES clients (id),
    scope      TEXT    NOT NULL,
    granted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_by_client ON consents (client_id);

-- One row for what one redeemed code gave; `id` is the code's, so the primary key is the single use. A rotation changes
-- no indexed column.
CREATE TABLE grants (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id    TEXT    NOT NULL REFERENCES clients (id),
    user_id      TEXT    NOT NULL REFERENCES users (id),
    tenant_id    TEXT    NOT NULL,
    session_id   BLOB,
    scope        TEXT    NOT NULL,
    resources    TEXT    NOT NULL,
    auth_time    INTEGER NOT NULL,
    nonce        TEXT,
    generation   INTEGER NOT NULL,
    rotated_at   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    idle_until   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    access_until INTEGER NOT NULL,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_user ON grants (user_id, id);
CREATE INDEX grants_by_client ON grants (client_id, id);

-- The revocation index at rest. `kind` as in valetkey_core::store::MarkKind.
CREATE TABLE revocations (
    kind         INTEGER NOT NULL,
    key          BLOB    NOT NULL,
    not_after_ms INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_by_end ON revocations (expires_at);

-- The feed by which every node hears of changes. The newest row is never swept, so a number is never given twice.
CREATE TABLE changes (
    seq  INTEGER NOT NULL PRIMARY KEY,
    at   INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    key  BLOB    NOT NULL
) STRICT;

CREATE TABLE scopes (
    name        TEXT    NOT NULL PRIMARY KEY,
    description TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    is_default  INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    standard    INTEGER NOT NULL CHECK (standard IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE apis (
    id       TEXT    NOT NULL PRIMARY KEY,
    resource TEXT    NOT NULL UNIQUE,
    version  INTEGER NOT NULL,
    document TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    seq        INTEGER NOT NULL PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    purpose    INTEGER NOT NULL,
    algorithm  TEXT    NOT NULL,
    wrapped    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    active_at  INTEGER NOT NULL,
    retired_at INTEGER
) STRICT;

CREATE TABLE attempts (
    key        BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    count      INTEGER NOT NULL,
    wait_until INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id        BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at        INTEGER NOT NULL,
    event     TEXT    NOT NULL,
    actor     TEXT    NOT NULL,
    client_id TEXT,
    user_id   TEXT,
    tenant_id TEXT,
    address   TEXT,
    request   TEXT,
    object    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_client ON audit (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX audit_by_user ON audit (user_id, id) WHERE user_id IS NOT NULL;

-- How far each sweep has looked.
CREATE TABLE upkeep (
    task   TEXT NOT NULL PRIMARY KEY,
    cursor BLOB NOT NULL
) STRICT, WITHOUT ROWID;
