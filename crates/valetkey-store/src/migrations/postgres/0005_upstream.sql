-- Providers at which people may sign in, and who is who there.
CREATE TABLE upstreams (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version  BIGINT  NOT NULL,
    document TEXT    NOT NULL
);

CREATE TABLE identities (
    tenant_id TEXT COLLATE "C" NOT NULL,
    issuer    TEXT COLLATE "C" NOT NULL,
    subject   TEXT COLLATE "C" NOT NULL,
    user_id   TEXT COLLATE "C" NOT NULL,
    label     TEXT    NOT NULL,
    linked_at BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);
