-- How far comparisons have come, so that another process goes on where one was killed.

-- The newest checkpoint of each table; one JSON document of reconcile::Checkpoint.
CREATE TABLE checkpoint (
    migration_id INTEGER NOT NULL REFERENCES migration (id),
    schema       TEXT NOT NULL,
    name         TEXT NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (migration_id, schema, name)
) WITHOUT ROWID;

-- What a comparison found behind its last checkpoint carries the time at which it began: whoever goes on from there reads
-- those rows again, so it is void then. NULL else.
ALTER TABLE finding ADD COLUMN behind INTEGER;
CREATE INDEX finding_behind ON finding (migration_id, schema, name, behind) WHERE behind IS NOT NULL;

-- A table's findings are read page by page in the order of their numbers.
CREATE INDEX finding_by_number ON finding (migration_id, schema, name, id);
