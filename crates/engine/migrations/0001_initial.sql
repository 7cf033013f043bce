-- The store. One file; every table is small except journal and sample.

CREATE TABLE endpoint (
    name   TEXT PRIMARY KEY,
    fields TEXT NOT NULL              -- JSON of model::endpoint::Endpoint; holds no secret
) WITHOUT ROWID;

CREATE TABLE migration (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL          -- ms since 1970
);

-- Append-only; the state of a migration is what replaying its entries gives.
CREATE TABLE journal (
    migration_id INTEGER NOT NULL REFERENCES migration (id),
    seq          INTEGER NOT NULL,    -- 1, 2, 3 … without gaps
    at           INTEGER NOT NULL,
    written_by   TEXT NOT NULL,
    generation   INTEGER NOT NULL,    -- of the lease; 0 for entries that need none
    entry        TEXT NOT NULL,       -- JSON of model::journal::Entry
    PRIMARY KEY (migration_id, seq)
) WITHOUT ROWID;

CREATE TRIGGER journal_is_append_only_update BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE (ABORT, 'the journal is append-only');
END;

CREATE TRIGGER journal_is_append_only_delete BEFORE DELETE ON journal
BEGIN
    SELECT RAISE (ABORT, 'the journal is append-only');
END;

-- Who drives a migration. The generation fences a holder that slept: its next append is refused.
CREATE TABLE lease (
    migration_id INTEGER PRIMARY KEY REFERENCES migration (id),
    holder       TEXT NOT NULL,
    generation   INTEGER NOT NULL,
    since        INTEGER NOT NULL,
    expires      INTEGER NOT NULL
);

-- Commands wait here until the holder of the lease takes them.
CREATE TABLE ticket (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    migration_id INTEGER NOT NULL REFERENCES migration (id),
    command      TEXT NOT NULL,       -- JSON of model::Command
    reason       TEXT NOT NULL,
    asked_by     TEXT NOT NULL,
    asked_at     INTEGER NOT NULL,
    result       TEXT                 -- JSON of engine::store::TicketState; NULL while it waits
);

CREATE INDEX ticket_waiting ON ticket (migration_id, id) WHERE result IS NULL;

-- What the holder's reconcilers last saw, one JSON document per kind; rewritten, never appended.
CREATE TABLE snapshot (
    migration_id INTEGER NOT NULL REFERENCES migration (id),
    kind         TEXT NOT NULL,
    at           INTEGER NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (migration_id, kind)
) WITHOUT ROWID;

-- Time series with roll-ups. resolution_s 1 is raw (kept a day), 60 a minute (kept a month), 3600 an hour (kept).
CREATE TABLE sample (
    migration_id INTEGER NOT NULL REFERENCES migration (id),
    series       INTEGER NOT NULL,
    resolution_s INTEGER NOT NULL,
    at           INTEGER NOT NULL,    -- start of the bucket, ms
    n            INTEGER NOT NULL,
    low          REAL NOT NULL,
    high         REAL NOT NULL,
    total        REAL NOT NULL,
    PRIMARY KEY (migration_id, series, resolution_s, at)
) WITHOUT ROWID;
