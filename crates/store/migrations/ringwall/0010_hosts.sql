-- The last good addresses of host names in address groups (SPEC R4.1): kept over a restart for up to a day.

CREATE TABLE hosts (
    name TEXT PRIMARY KEY,
    addresses TEXT NOT NULL,
    seen BIGINT NOT NULL
);
