-- Servers that run on this database: what they know of its schema, and when the database last saw them, by its own clock.
CREATE TABLE nodes (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    knows   BIGINT  NOT NULL,
    version TEXT    NOT NULL,
    seen_at BIGINT  NOT NULL
);
