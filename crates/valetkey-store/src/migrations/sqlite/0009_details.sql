-- What else was agreed: JSON, or empty.
ALTER TABLE grants ADD COLUMN details TEXT NOT NULL DEFAULT '';
