-- The console: who is signed in, tokens of scripts, second factors, and the audit trail. Keys, tokens and recovery codes are
-- kept as SHA-256 alone.

CREATE TABLE sessions (
    key_hash TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    login TEXT NOT NULL,
    credential TEXT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    since BIGINT NOT NULL,
    seen BIGINT NOT NULL
);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    key_hash TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    used BIGINT
);

CREATE TABLE second_factors (
    person TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL,
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    person TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    PRIMARY KEY (person, code_hash)
);

CREATE TABLE audit (
    number BIGINT PRIMARY KEY,
    happened BIGINT NOT NULL,
    author TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    address TEXT NOT NULL,
    outcome TEXT NOT NULL
);

CREATE INDEX audit_author ON audit (author, number);
