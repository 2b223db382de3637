-- Values that may be used once: digests of them, until they are no longer good anyway.
CREATE TABLE spent (
    key        BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_by_end ON spent (expires_at);
