-- Servers that run on this database. Only PostgreSQL knows of several; a file has its lock.
CREATE TABLE nodes (
    id      TEXT    NOT NULL PRIMARY KEY,
    knows   INTEGER NOT NULL,
    version TEXT    NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
