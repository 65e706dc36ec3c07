-- A change of the firewall that shuts out who made it, until he confirms it (SPEC R4.3): at most one row.

CREATE TABLE pending_change (
    place BIGINT PRIMARY KEY,
    back_to BIGINT NOT NULL,
    made BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    author TEXT NOT NULL,
    address TEXT NOT NULL
);
