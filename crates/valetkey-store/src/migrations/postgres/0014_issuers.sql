-- Other issuers whose word counts here.
CREATE TABLE issuers (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    issuer   TEXT COLLATE "C" NOT NULL UNIQUE,
    version  BIGINT  NOT NULL,
    document TEXT    NOT NULL
);
