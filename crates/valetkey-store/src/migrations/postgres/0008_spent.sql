-- Values that may be used once: digests of them, until they are no longer good anyway.
CREATE TABLE spent (
    key        BYTEA   NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    expires_at BIGINT  NOT NULL
);
CREATE INDEX spent_by_end ON spent (expires_at);
