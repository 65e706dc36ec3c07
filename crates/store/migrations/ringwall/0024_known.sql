-- Where phones were registered within the last day (SPEC R4.6): an office behind one address is as well known after a long
-- power cut as before.

CREATE TABLE known (
    source TEXT PRIMARY KEY,
    seen_ms BIGINT NOT NULL
);
