-- The durable state of a server. SQL in the subset that SQLite and PostgreSQL share; times are milliseconds since
-- 1970, ids 26 characters, bodies JSON, sealed values bytes of the format in crate vault.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE objects (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    natural_key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE personal (
    extension TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE secrets (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE revisions (
    number BIGINT PRIMARY KEY,
    made BIGINT NOT NULL,
    author TEXT NOT NULL,
    difference TEXT NOT NULL
);

CREATE TABLE changes (
    revision BIGINT NOT NULL,
    place BIGINT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    natural_key TEXT NOT NULL,
    former_key TEXT,
    body_before TEXT,
    body_after TEXT,
    marks TEXT NOT NULL,
    PRIMARY KEY (revision, place)
);

CREATE TABLE call_records (
    id TEXT PRIMARY KEY,
    caller TEXT NOT NULL,
    callee TEXT NOT NULL,
    direction TEXT NOT NULL,
    started BIGINT NOT NULL,
    answered BIGINT,
    ended BIGINT,
    duration_s DOUBLE PRECISION NOT NULL,
    result TEXT,
    reason TEXT NOT NULL,
    route TEXT NOT NULL
);

CREATE INDEX call_records_started ON call_records (started);
CREATE INDEX call_records_caller ON call_records (caller, started);
CREATE INDEX call_records_callee ON call_records (callee, started);
CREATE INDEX call_records_open ON call_records (id) WHERE ended IS NULL;
