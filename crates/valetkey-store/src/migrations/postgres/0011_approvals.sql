-- What a person is to decide elsewhere than where it was asked for: device codes, back-channel requests.
CREATE TABLE approvals (
    id         BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id  TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C",
    user_code  BYTEA   CHECK (length(user_code) = 32),
    request    TEXT    NOT NULL,
    state      BIGINT  NOT NULL,
    outcome    TEXT,
    pace       BIGINT  NOT NULL,
    polled_ms  BIGINT  NOT NULL,
    ping_at    BIGINT,
    pings      BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);
CREATE UNIQUE INDEX approvals_by_code ON approvals (user_code) WHERE user_code IS NOT NULL;
CREATE INDEX approvals_by_user ON approvals (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX approvals_by_end ON approvals (expires_at);
CREATE INDEX approvals_by_ping ON approvals (ping_at) WHERE ping_at IS NOT NULL;
