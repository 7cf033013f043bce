//! Digests that other tools made, read for hosts.

use std::{collections::HashMap, fs::File};

use switchyard_queries::{
    damage::{Compared, compare},
    digest::{Bad, Digest, Kind, read},
    log::plain,
};

use super::MOST;
use crate::{Switchyard, dto::*};

impl Switchyard {
    /// Reads a digest. Its statements are looked for on a migration's servers where one is named; that these cannot be asked
    /// is said, and keeps nothing back.
    pub(crate) async fn queries_import(&self, args: ImportDigest) -> Result<DigestView, ApiError> {
        let most = args.limit.clamp(1, MOST) as usize;
        let (file, kind) = (args.file.clone(), args.kind);
        let reading = tokio::task::spawn_blocking(move || from_file(&file, kind, most)).await;
        let mut digest = reading
            .map_err(|e| ApiError::new("failed", format!("Reading the digest broke off: {e}."), "Try again."))??;
        let known = match &args.migration {
            Some(migration) => match self.digest_known(migration, &digest).await {
                Ok(known) => known,
                Err(e) if e.code == "not_found" => return Err(e),
                Err(e) => {
                    digest.notes.push(format!("Its statements were not looked for on the servers. {}", e.message));
                    Vec::new()
                }
            },
            None => Vec::new(),
        };
        Ok(DigestView { file: args.file, digest, known })
    }

    /// Those that either server has counted, by their shapes.
    async fn digest_known(&self, migration: &str, digest: &Digest) -> Result<Vec<DigestKnown>, ApiError> {
        let (_, pair, _) = self.sides_of(migration).await?;
        let (source, target) =
            tokio::try_join!(pair.source.statements.reading(true), pair.target.statements.reading(true))?;
        if let Some(refused) = source.refused.as_ref().or(target.refused.as_ref()) {
            return Err(ApiError::new("failed", refused.to_string(), "Do what it says, and read the digest again."));
        }
        let all = compare(&source.statements, &target.statements);
        let of: HashMap<&str, &Compared> = all.iter().map(|c| (c.shape.id.as_str(), c)).collect();
        let one = |id: &String| {
            let found = of.get(id.as_str())?;
            let (source_ms, target_ms) = (found.source.map(|s| s.mean_ms), found.target.map(|t| t.mean_ms));
            Some(DigestKnown { id: id.clone(), source_ms, target_ms })
        };
        Ok(digest.statements.iter().filter_map(|s| one(&s.shape.id)).collect())
    }
}

fn from_file(file: &str, kind: Option<Kind>, most: usize) -> Result<Digest, ApiError> {
    let unreadable = |e: &std::io::Error| {
        let why = format!("The digest {file} cannot be read: {}.", crate::io_words(e));
        ApiError::new("failed", why, "Give a file that is there, whole, and that you may read.")
    };
    let opened = File::open(file).map_err(|e| unreadable(&e))?;
    if opened.metadata().map_err(|e| unreadable(&e))?.is_dir() {
        let why = format!("The digest {file} is a folder.");
        return Err(ApiError::new("invalid", why, "Give the file that pgBadger or pt-query-digest wrote."));
    }
    let source = plain(opened).map_err(|e| unreadable(&e))?;
    read(source, kind, most).map_err(|bad| match bad {
        Bad::Io(e) => unreadable(&e),
        Bad::Content(why, remedy) => {
            ApiError::new("invalid", format!("The digest {file} cannot be read: {why}."), remedy)
        }
    })
}
