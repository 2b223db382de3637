-- What a person is to decide elsewhere than where it was asked for: device codes, back-channel requests.
CREATE TABLE approvals (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id  TEXT    NOT NULL,
    user_id    TEXT,
    user_code  BLOB    CHECK (length(user_code) = 32),
    request    TEXT    NOT NULL,
    state      INTEGER NOT NULL,
    outcome    TEXT,
    pace       INTEGER NOT NULL,
    polled_ms  INTEGER NOT NULL,
    ping_at    INTEGER,
    pings      INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX approvals_by_code ON approvals (user_code) WHERE user_code IS NOT NULL;
CREATE INDEX approvals_by_user ON approvals (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX approvals_by_end ON approvals (expires_at);
CREATE INDEX approvals_by_ping ON approvals (ping_at) WHERE ping_at IS NOT NULL;
