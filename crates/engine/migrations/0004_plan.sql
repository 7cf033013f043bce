-- What operators decide about a migration's plan and its schemas. Nothing of it can be measured again.

-- Dates, spans and team of the timeline; one JSON document of plan::Edits in the API.
CREATE TABLE timeline (
    migration_id INTEGER PRIMARY KEY REFERENCES migration (id),
    document     TEXT NOT NULL
);

-- Differences of the schemas that somebody accepted; each a JSON document of model::schema::accepted::Accepted.
CREATE TABLE accepted (
    migration_id INTEGER NOT NULL REFERENCES migration (id),
    difference   TEXT NOT NULL,       -- JSON of object, kind, what and both values, which tell entries apart
    document     TEXT NOT NULL,
    PRIMARY KEY (migration_id, difference)
) WITHOUT ROWID;
