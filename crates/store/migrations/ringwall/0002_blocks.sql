-- Who is refused (SPEC R4.6): written at once and kept over a restart. `until_ms` is missing where a block stays until it is
-- lifted.

CREATE TABLE blocks (
    name TEXT PRIMARY KEY,
    until_ms BIGINT,
    body TEXT NOT NULL
);
