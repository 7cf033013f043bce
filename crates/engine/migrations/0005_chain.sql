-- Each entry carries a hash of itself and of the entry before it (engine::store::chain); NULL for entries of earlier versions,
-- which are part of the first hash behind them.
ALTER TABLE journal ADD COLUMN chain TEXT;
