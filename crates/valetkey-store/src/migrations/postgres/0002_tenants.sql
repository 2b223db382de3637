-- User directories. The one called `default` exists without a row, until somebody gives it a name.
CREATE TABLE tenants (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    disabled BIGINT  NOT NULL CHECK (disabled IN (0, 1)),
    version  BIGINT  NOT NULL,
    document TEXT    NOT NULL,
    logo     BYTEA
);

-- The browser that a person acted in, in words.
ALTER TABLE audit ADD COLUMN browser TEXT;
