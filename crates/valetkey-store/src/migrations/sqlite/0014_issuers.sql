-- Other issuers whose word counts here.
CREATE TABLE issuers (
    id       TEXT NOT NULL PRIMARY KEY,
    issuer   TEXT NOT NULL UNIQUE,
    version  INTEGER NOT NULL,
    document TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
