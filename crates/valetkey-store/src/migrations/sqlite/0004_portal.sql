-- The developer portal: whose an application is, to whom it is offered, its picture, and what is noted of it.
CREATE TABLE owners (
    client_id TEXT    NOT NULL REFERENCES clients (id),
    user_id   TEXT    NOT NULL REFERENCES users (id),
    since     INTEGER NOT NULL,
    PRIMARY KEY (client_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX owners_by_user ON owners (user_id, client_id);

CREATE TABLE offers (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id    TEXT    NOT NULL REFERENCES clients (id),
    username     TEXT    NOT NULL,
    username_key TEXT    NOT NULL,
    user_id      TEXT,
    transfer     INTEGER NOT NULL CHECK (transfer IN (0, 1)),
    offered_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX offers_by_client ON offers (client_id, username_key);
CREATE INDEX offers_by_user ON offers (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX offers_by_end ON offers (expires_at);

CREATE TABLE logos (
    client_id TEXT NOT NULL PRIMARY KEY,
    name      TEXT NOT NULL,
    bytes     BLOB NOT NULL
) STRICT;
CREATE INDEX logos_by_name ON logos (name);

CREATE TABLE secret_uses (
    client_id TEXT    NOT NULL,
    secret_id BLOB    NOT NULL CHECK (length(secret_id) = 16),
    at        INTEGER NOT NULL,
    PRIMARY KEY (client_id, secret_id)
) STRICT, WITHOUT ROWID;

-- One row for all refusals of one sort: code and words are literals of ours, so a client has few.
CREATE TABLE failures (
    client_id TEXT    NOT NULL,
    endpoint  TEXT    NOT NULL,
    code      TEXT    NOT NULL,
    detail    TEXT    NOT NULL,
    hint      TEXT,
    count     INTEGER NOT NULL,
    first_at  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (client_id, endpoint, code, detail)
) STRICT, WITHOUT ROWID;
CREATE INDEX failures_by_time ON failures (last_at);
