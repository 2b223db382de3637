-- What applications have still to be told: that somebody they know signed out (OIDC Back-Channel Logout). A row goes once
-- the application has answered, or when it was tried often enough. `session_id` is empty where every session is meant.
CREATE TABLE logouts (
    user_id    TEXT    NOT NULL,
    client_id  TEXT    NOT NULL,
    session_id BLOB    NOT NULL,
    tries      INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    PRIMARY KEY (user_id, client_id, session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX logouts_by_due ON logouts (due_at);
