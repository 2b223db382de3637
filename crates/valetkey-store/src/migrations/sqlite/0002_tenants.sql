-- User directories. The one called `default` exists without a row, until somebody gives it a name.
CREATE TABLE tenants (
    id       TEXT    NOT NULL PRIMARY KEY,
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    version  INTEGER NOT NULL,
    document TEXT    NOT NULL,
    logo     BLOB
) STRICT, WITHOUT ROWID;

-- The browser that a person acted in, in words.
ALTER TABLE audit ADD COLUMN browser TEXT;
