-- The applied settings: one document, absent until something is applied.
CREATE TABLE settings (
    id       BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1),
    version  BIGINT  NOT NULL,
    document TEXT    NOT NULL
);
