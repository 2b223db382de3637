-- The developer portal: whose an application is, to whom it is offered, its picture, and what is noted of it.
CREATE TABLE owners (
    client_id TEXT COLLATE "C" NOT NULL,
    user_id   TEXT COLLATE "C" NOT NULL,
    since     BIGINT  NOT NULL,
    PRIMARY KEY (client_id, user_id)
);
CREATE INDEX owners_by_user ON owners (user_id, client_id);

CREATE TABLE offers (
    id           BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id    TEXT COLLATE "C" NOT NULL,
    username     TEXT    NOT NULL,
    username_key TEXT COLLATE "C" NOT NULL,
    user_id      TEXT COLLATE "C",
    transfer     BIGINT  NOT NULL CHECK (transfer IN (0, 1)),
    offered_by   TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL
);
CREATE UNIQUE INDEX offers_by_client ON offers (client_id, username_key);
CREATE INDEX offers_by_user ON offers (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX offers_by_end ON offers (expires_at);

CREATE TABLE logos (
    client_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name      TEXT COLLATE "C" NOT NULL,
    bytes     BYTEA   NOT NULL
);
CREATE INDEX logos_by_name ON logos (name);

CREATE TABLE secret_uses (
    client_id TEXT COLLATE "C" NOT NULL,
    secret_id BYTEA   NOT NULL CHECK (length(secret_id) = 16),
    at        BIGINT  NOT NULL,
    PRIMARY KEY (client_id, secret_id)
);

-- One row for all refusals of one sort: code and words are literals of ours, so a client has few.
CREATE TABLE failures (
    client_id TEXT COLLATE "C" NOT NULL,
    endpoint  TEXT    NOT NULL,
    code      TEXT    NOT NULL,
    detail    TEXT    NOT NULL,
    hint      TEXT,
    count     BIGINT  NOT NULL,
    first_at  BIGINT  NOT NULL,
    last_at   BIGINT  NOT NULL,
    PRIMARY KEY (client_id, endpoint, code, detail)
);
CREATE INDEX failures_by_time ON failures (last_at);
