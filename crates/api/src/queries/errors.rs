//! What failed, by the servers' logs: from files on this machine, or from the server over SQL.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use switchyard_engine::{db::Database, error::words};
use switchyard_model::UnixMs;
use switchyard_queries::{
    damage::{Counted, added},
    errors::{Errors, Tolerated},
    log::{Format, LogReader, Prefix, plain},
    shape::Shape,
};

use crate::{Switchyard, dto::*};

/// What is read of a server's log over SQL, bytes.
const MOST_OVER_SQL: u64 = 256 << 20;

/// And at once.
const PIECE: u64 = 4 << 20;

/// By how much of a log its form is told, bytes.
const HEAD: usize = 64 << 10;

/// Writes are tolerated to fail this many times less often than requests in general.
const WRITES_TIGHTER: f64 = 10.0;

impl Switchyard {
    /// Errors of the target's log by what failed, beside the source's.
    pub(crate) async fn queries_errors(&self, args: QueryErrorsRequest) -> Result<QueryErrorsView, ApiError> {
        let (id, pair, state) = self.sides_of(&args.migration).await?;
        let kept = self.kept(id).await?;
        let now = pair.target.statements.reading(true).await?;
        // Runs are counted from a known time on; errors of another time would make a rate that means nothing.
        let counted_from = kept.as_ref().map(|k| k.at).or(now.since);
        let since = args.since.or(counted_from);
        let calls = match (&now.refused, &kept) {
            (Some(_), _) => None,
            (None, Some(kept)) => Some(by_shape(&added(&kept.target, &now.statements))),
            (None, None) => Some(by_shape(&now.statements)),
        };
        let calls = calls.filter(|_| args.since.is_none() || args.since == counted_from);
        let mut notes: Vec<String> = now.refused.into_iter().collect();
        if calls.is_none() {
            notes
                .push("Rates are not known: nobody counted the statements that went well in the same time.".to_owned());
        }
        let spec = &state.spec;
        let prefix = args.prefix.as_deref();
        let mut logs = Vec::new();
        let target = Asked {
            db: &pair.target,
            database: self.database(&spec.target).await?,
            files: &args.target_files,
            prefix,
            since,
        };
        let target = target.read(&mut logs, &mut notes).await?;
        let source = Asked {
            db: &pair.source,
            database: self.database(&spec.source).await?,
            files: &args.source_files,
            prefix,
            since,
        };
        let source = match source.read(&mut logs, &mut notes).await {
            Ok(errors) => Some(errors),
            // It is there to compare with; what the target says counts without it.
            Err(e) if args.source_files.is_empty() => {
                notes.push(format!("Whether the source has the same errors is not known. {}", e.message));
                None
            }
            Err(e) => return Err(e),
        };
        let per_million = f64::from(state.limits().errors_per_million) / 1e6;
        let tolerated = Tolerated { reads: per_million, writes: per_million / WRITES_TIGHTER };
        let of = |id: &str| calls.as_ref().map(|calls| calls.get(id).copied().unwrap_or_default());
        let on_source = source.map(|s| s.judged(|_| None, tolerated));
        let kinds = target.judged(of, tolerated).into_iter().map(|kind| {
            let id = |k: &switchyard_queries::errors::ErrorKind| k.statement.as_ref().map(|s| s.id.clone());
            let same = |s: &&switchyard_queries::errors::ErrorKind| id(s) == id(&kind) && s.class == kind.class;
            let on_source = on_source.as_ref().map(|all| all.iter().filter(same).map(|s| s.count).sum());
            ErrorRow { on_source, kind }
        });
        Ok(QueryErrorsView {
            target: pair.target.label.clone(),
            since,
            kinds: kinds.collect(),
            total: target.total(),
            others: target.others(),
            logs,
            notes,
        })
    }

    /// The database of an endpoint.
    async fn database(&self, endpoint: &str) -> Result<String, ApiError> {
        Ok(self.parts.store.endpoint(endpoint).await?.database)
    }
}

fn by_shape(all: &[Counted]) -> BTreeMap<String, f64> {
    let mut out = BTreeMap::new();
    for one in all {
        *out.entry(Shape::of(&one.text).id).or_default() += one.calls;
    }
    out
}

/// One side's log.
struct Asked<'a> {
    db: &'a Database,
    database: String,
    files: &'a [String],
    prefix: Option<&'a str>,
    since: Option<UnixMs>,
}

impl Asked<'_> {
    async fn read(&self, logs: &mut Vec<String>, notes: &mut Vec<String>) -> Result<Errors, ApiError> {
        let prefix = match self.prefix {
            Some(prefix) => prefix.to_owned(),
            None => self.db.statements.log_prefix().await?,
        };
        let prefix = Prefix::new(&prefix)
            .map_err(|why| ApiError::new("invalid", why, "Give --prefix as the server's configuration has it."))?;
        let errors = Errors::new(Some(&self.database), self.since);
        if self.files.is_empty() {
            return self.over_sql(prefix, errors, logs, notes).await;
        }
        let (files, shown) = (self.files.to_vec(), self.files.to_vec());
        let read = tokio::task::spawn_blocking(move || from_files(&files, &prefix, errors)).await;
        let (errors, said) =
            read.map_err(|e| ApiError::new("failed", format!("Reading the log broke off: {e}."), "Try again."))??;
        logs.extend(shown);
        notes.extend(said);
        Ok(errors)
    }

    async fn over_sql(
        &self,
        prefix: Prefix,
        mut errors: Errors,
        logs: &mut Vec<String>,
        notes: &mut Vec<String>,
    ) -> Result<Errors, ApiError> {
        let statements = &self.db.statements;
        let log = statements.log().await?;
        let mut from = log.size.saturating_sub(MOST_OVER_SQL);
        if from > 0 {
            let left = from / 1_000_000;
            notes.push(format!("The first {left} MB of {} of {} were not read.", log.file, self.db.label));
        }
        let mut reader: Option<LogReader> = None;
        loop {
            let piece = statements.log_piece(&log, from, PIECE).await?;
            if piece.is_empty() {
                break;
            }
            from += piece.len() as u64;
            let head = &piece[..piece.len().min(HEAD)];
            let reader = reader.get_or_insert_with(|| LogReader::new(Format::detect(head, &prefix)));
            // Memory does not fail.
            let _ = reader.read(&mut piece.as_slice(), &mut |entry| errors.take(entry));
        }
        if let Some(mut reader) = reader {
            reader.finish(&mut |entry| errors.take(entry));
            notes.extend(reader.notes().sentences());
        }
        logs.push(format!("{}: {}", self.db.label, log.file));
        Ok(errors)
    }
}

/// All files, one after the other.
fn from_files(files: &[String], prefix: &Prefix, mut errors: Errors) -> Result<(Errors, Vec<String>), ApiError> {
    let mut notes = Vec::new();
    for file in files {
        let failed = |e: std::io::Error| {
            let why = format!("The log {file} cannot be read: {}.", words(&e));
            ApiError::new("failed", why, "Give a file that is there and that you may read.")
        };
        let mut source = plain(File::open(Path::new(file)).map_err(failed)?).map_err(failed)?;
        let mut head = Vec::new();
        source.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(failed)?;
        let mut reader = LogReader::new(Format::detect(&head, prefix));
        reader.read(&mut head.as_slice(), &mut |entry| errors.take(entry)).map_err(failed)?;
        reader.read(&mut source, &mut |entry| errors.take(entry)).map_err(failed)?;
        reader.finish(&mut |entry| errors.take(entry));
        notes.extend(reader.notes().sentences().into_iter().map(|s| format!("{file}: {s}")));
    }
    Ok((errors, notes))
}
