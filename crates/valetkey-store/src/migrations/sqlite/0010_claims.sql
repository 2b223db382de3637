-- What is said of a person beside name and e-mail address (OIDC Core §5.1): JSON, or empty.
ALTER TABLE users ADD COLUMN claims TEXT NOT NULL DEFAULT '';
