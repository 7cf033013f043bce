-- What reconciliation found, kept so that it costs no memory, survives the process, and is shown page by page.

-- Where each table stands; one JSON document of model::reconcile::Standing.
CREATE TABLE standing (
    migration_id INTEGER NOT NULL REFERENCES migration (id),
    schema       TEXT NOT NULL,
    name         TEXT NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (migration_id, schema, name)
) WITHOUT ROWID;

-- One row per row that differs.
CREATE TABLE finding (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    migration_id INTEGER NOT NULL REFERENCES migration (id),
    schema       TEXT NOT NULL,
    name         TEXT NOT NULL,
    row          TEXT NOT NULL,       -- JSON of the key, which tells rows apart
    at           INTEGER NOT NULL,    -- when it was last looked at
    document     TEXT NOT NULL,       -- JSON of model::reconcile::Finding
    UNIQUE (migration_id, schema, name, row)
);

-- Tables that an operator wants compared now; taken by the holder of the lease.
CREATE TABLE compare_now (
    migration_id INTEGER NOT NULL REFERENCES migration (id),
    schema       TEXT NOT NULL,
    name         TEXT NOT NULL,
    PRIMARY KEY (migration_id, schema, name)
) WITHOUT ROWID;
