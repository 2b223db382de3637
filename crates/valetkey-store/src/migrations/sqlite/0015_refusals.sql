-- What a trusted issuer's word implies is no answer of the person's; and what they took back, no such word gives again.
ALTER TABLE consents ADD COLUMN implied INTEGER NOT NULL DEFAULT 0;
CREATE TABLE refusals (
    user_id    TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    refused_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refusals_by_client ON refusals (client_id);
