-- Letters on their way to the mail server, what waits for a digest, and the lock on outgoing calls.

CREATE TABLE letters (
    id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    written BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    due BIGINT
);

CREATE INDEX letters_written ON letters (written);

CREATE TABLE held_letters (
    id TEXT PRIMARY KEY,
    happened BIGINT NOT NULL,
    recipient TEXT NOT NULL,
    line TEXT NOT NULL,
    stands_for BIGINT NOT NULL
);

CREATE TABLE outgoing_lock (
    place BIGINT PRIMARY KEY,
    cause TEXT NOT NULL,
    set_by TEXT NOT NULL,
    since BIGINT NOT NULL
);
