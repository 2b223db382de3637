-- What applications have still to be told: that somebody they know signed out (OIDC Back-Channel Logout). A row goes once
-- the application has answered, or when it was tried often enough. `session_id` is empty where every session is meant.
CREATE TABLE logouts (
    user_id    TEXT COLLATE "C" NOT NULL,
    client_id  TEXT COLLATE "C" NOT NULL,
    session_id BYTEA   NOT NULL,
    tries      BIGINT  NOT NULL,
    due_at     BIGINT  NOT NULL,
    PRIMARY KEY (user_id, client_id, session_id)
) WITH (fillfactor = 80);
CREATE INDEX logouts_by_due ON logouts (due_at);
