-- What a trusted issuer's word implies is no answer of the person's; and what they took back, no such word gives again.
ALTER TABLE consents ADD COLUMN implied BIGINT NOT NULL DEFAULT 0;
CREATE TABLE refusals (
    user_id    TEXT COLLATE "C" NOT NULL,
    client_id  TEXT COLLATE "C" NOT NULL,
    refused_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX refusals_by_client ON refusals (client_id);
