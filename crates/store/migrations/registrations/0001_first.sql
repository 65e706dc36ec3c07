-- Registered contacts, kept over a restart in a file of their own, since losing it costs one registration interval.

CREATE TABLE bindings (
    line TEXT NOT NULL,
    contact TEXT NOT NULL,
    expires BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (line, contact)
);
