-- Providers at which people may sign in, and who is who there.
CREATE TABLE upstreams (
    id       TEXT    NOT NULL PRIMARY KEY,
    version  INTEGER NOT NULL,
    document TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    tenant_id TEXT    NOT NULL,
    issuer    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    user_id   TEXT    NOT NULL,
    label     TEXT    NOT NULL,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_user ON identities (user_id);
