-- Captures that were made or opened on this machine. Their files hold the application's data; here are counts alone.
CREATE TABLE capture (
    file     TEXT PRIMARY KEY,      -- full path
    added    INTEGER NOT NULL,      -- Unix ms
    document TEXT NOT NULL          -- JSON of rehearse::listed::Kept in the API
) WITHOUT ROWID;
