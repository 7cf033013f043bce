//! The list of captures: where each lies and what is known of it. No value of a capture gets into it.

use std::{
    collections::BTreeMap,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use switchyard_model::{UnixMs, figure};
use tokio_util::sync::CancellationToken;

use super::{full_path, taking::looked};
use crate::{
    Switchyard,
    capture::{CaptureMade, CaptureRequest, PartStands, blocking, part_stands, survey},
    dto::*,
    io_words,
};

/// What is known of a capture: its document in the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Known {
    source: String,
    endpoint: Option<String>,
    migration: Option<String>,
    from_us: Option<i64>,
    /// None until it was whole and looked through.
    statements: Option<u64>,
    /// Of the source.
    answers: u64,
    sessions: u64,
    seconds: f64,
    bytes: u64,
    modified_ms: i64,
    left_out: BTreeMap<String, u64>,
    notes: Vec<String>,
}

impl Known {
    /// Looks through a file.
    fn of(file: &Path) -> Result<Known, ApiError> {
        let (survey, head, notes) = survey(file)?;
        let unread = notes.len().saturating_sub(head.notes.len());
        let metadata = std::fs::metadata(file).ok();
        let mut notes = head.notes;
        if unread > 0 {
            // The sentences themselves may quote what stands in a line.
            notes.push("Not all of its lines can be read: “capture show” says which.".to_owned());
        }
        let is_empty = survey.statements == 0;
        Ok(Known {
            source: head.source,
            endpoint: None,
            migration: None,
            from_us: (!is_empty).then_some(survey.from_us),
            statements: Some(survey.statements),
            answers: survey.answers,
            sessions: survey.sessions.len() as u64,
            seconds: if is_empty { 0.0 } else { survey.seconds() },
            bytes: metadata.as_ref().map_or(0, Metadata::len),
            modified_ms: metadata.as_ref().map_or(0, modified_ms),
            left_out: survey.unfit,
            notes,
        })
    }

    fn is_as_it_was(&self, metadata: &Metadata) -> bool {
        metadata.len() == self.bytes && modified_ms(metadata) == self.modified_ms
    }
}

impl Switchyard {
    /// Captures as [`Switchyard::capture`] does, and lists it: at its begin, so that it is found after a crash, and when it is whole.
    ///
    /// # Errors
    /// As there.
    pub async fn capture_listed(
        &self,
        request: CaptureRequest,
        migration: Option<String>,
        stop: CancellationToken,
        tell: impl FnMut(u64),
    ) -> Result<CaptureMade, ApiError> {
        let to = std::path::absolute(&request.to).unwrap_or_else(|_| request.to.clone());
        let reference = &request.at.reference;
        let endpoint = (!reference.contains("://")).then(|| reference.clone());
        let (at, _) = self.resolve("The database", &request.at).await?;
        let begun = Known {
            source: format!("{}:{}, {}", at.host, at.port, at.database),
            endpoint: endpoint.clone(),
            migration: migration.clone(),
            ..Known::default()
        };
        let is_new = to.symlink_metadata().is_err() && part_stands(&to).is_none();
        let before = self.known_capture(&to).await.ok().flatten();
        if is_new {
            // A capture is worth more than its line: what keeps it off the list is told at its end.
            let _ = self.put_capture(&to, &begun).await;
        }
        let mut came = self.capture(request, stop, tell).await;
        match &mut came {
            Ok(made) => {
                if let Err(e) = self.list_capture(Path::new(&made.file), endpoint, migration).await {
                    made.notes.push(not_listed(&e));
                }
            }
            // Nothing was begun: the list is as it was.
            Err(_) if is_new && part_stands(&to).is_none() => match before {
                Some(before) => self.put_capture(&to, &before).await?,
                None => drop(self.parts.store.forget_capture(&name_of(&to)?).await?),
            },
            Err(_) => {}
        }
        came
    }

    /// Looks through a capture that is whole and lists it; what is not given stays as it was known.
    ///
    /// # Errors
    /// When it is none or cannot be read; when the store cannot be written.
    pub async fn list_capture(
        &self,
        file: &Path,
        endpoint: Option<String>,
        migration: Option<String>,
    ) -> Result<CaptureRow, ApiError> {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let before = self.known_capture(&file).await?.unwrap_or_default();
        let looked = file.clone();
        let known = blocking(move || Known::of(&looked)).await?;
        let known =
            Known { endpoint: endpoint.or(before.endpoint), migration: migration.or(before.migration), ..known };
        self.put_capture(&file, &known).await?;
        let added = self.parts.clock.now();
        looked_at(file, added, known).await
    }

    /// Every capture that is listed, the newest first, as its file stands now.
    pub(super) async fn captures_listed(&self) -> Result<Vec<CaptureRow>, ApiError> {
        let listed: Vec<(String, UnixMs, Known)> = self.parts.store.captures().await?;
        let mut rows = Vec::with_capacity(listed.len());
        for (file, added, mut known) in listed {
            let file = PathBuf::from(file);
            if known.statements.is_none() && part_stands(&file).is_none() && file.exists() {
                // It was made whole by somebody who did not say so here. One that cannot be read says that below.
                if self.list_capture(&file, None, None).await.is_ok() {
                    known = self.known_capture(&file).await?.unwrap_or(known);
                }
            }
            rows.push(looked_at(file, added, known).await?);
        }
        Ok(rows)
    }

    /// Lists a capture by its path, also one that broke off.
    pub(crate) async fn capture_add(&self, args: CaptureFile) -> Result<CaptureRow, ApiError> {
        let file = full_path(&args.file)?;
        if !file.exists() && part_stands(&file).is_some() {
            let known = self.known_capture(&file).await?.unwrap_or_default();
            self.put_capture(&file, &known).await?;
            return looked_at(file, self.parts.clock.now(), known).await;
        }
        self.list_capture(&file, None, None).await
    }

    /// Takes a capture off the list.
    pub(crate) async fn capture_forget(&self, args: CaptureFile) -> Result<Nothing, ApiError> {
        let file = full_path(&args.file)?;
        self.is_listed(&file).await?;
        if part_stands(&file) == Some(PartStands::BeingTaken) {
            let why = format!("{} is being taken just now.", file.display());
            return Err(ApiError::new("refused", why, "Stop it first."));
        }
        self.parts.store.forget_capture(&name_of(&file)?).await?;
        Ok(Nothing {})
    }

    /// # Errors
    /// `not_found`.
    pub(super) async fn is_listed(&self, file: &Path) -> Result<(), ApiError> {
        match self.known_capture(file).await? {
            Some(_) => Ok(()),
            None => {
                let why = format!("{} is not among the captures of this machine.", file.display());
                Err(ApiError::new("not_found", why, "Add it first, by its path."))
            }
        }
    }

    async fn known_capture(&self, file: &Path) -> Result<Option<Known>, ApiError> {
        let name = name_of(file)?;
        let listed: Vec<(String, UnixMs, Known)> = self.parts.store.captures().await?;
        Ok(listed.into_iter().find(|(file, ..)| *file == name).map(|(_, _, known)| known))
    }

    async fn put_capture(&self, file: &Path, known: &Known) -> Result<(), ApiError> {
        Ok(self.parts.store.put_capture(&name_of(file)?, self.parts.clock.now(), known).await?)
    }
}

/// For a capture that is there and cannot be listed.
fn not_listed(why: &ApiError) -> String {
    format!("It is not listed. {}", why.message)
}

/// As the store names it.
fn name_of(file: &Path) -> Result<String, ApiError> {
    file.to_str().map(str::to_owned).ok_or_else(|| {
        let why = format!("The name of {} is no text, so it cannot be listed.", file.display());
        ApiError::new("invalid", why, "Give it a name in UTF-8.")
    })
}

async fn looked_at(file: PathBuf, added: UnixMs, known: Known) -> Result<CaptureRow, ApiError> {
    looked(move || row(&file, added, known)).await
}

fn row(file: &Path, added: UnixMs, known: Known) -> CaptureRow {
    let (stands, says, bytes) = stands(file, &known);
    let ms = |us: i64| us.div_euclid(1000);
    let ended = known.from_us.map(|us| ms(us) + (known.seconds * 1000.0).round() as i64);
    CaptureRow {
        name: file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
        file: file.display().to_string(),
        source: known.source,
        endpoint: known.endpoint,
        migration: known.migration,
        added,
        begun: known.from_us.map(ms),
        ended,
        answers: known.answers,
        statements: known.statements,
        sessions: known.sessions,
        seconds: known.seconds,
        bytes,
        left_out: left_out(known.left_out),
        notes: known.notes,
        stands,
        says,
    }
}

/// How its file stands, what is wrong with it, and its size.
fn stands(file: &Path, known: &Known) -> (CaptureStands, Option<String>, u64) {
    match std::fs::metadata(file) {
        Ok(metadata) if known.is_as_it_was(&metadata) => (CaptureStands::Whole, None, known.bytes),
        Ok(metadata) => {
            let says = "Its file was changed since it was looked through: add it again to look anew.";
            (CaptureStands::Changed, Some(says.to_owned()), metadata.len())
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => match part_stands(file) {
            Some(PartStands::BeingTaken) => (CaptureStands::BeingTaken, None, 0),
            Some(PartStands::BrokenOff { bytes }) => {
                let says = "Whoever took it ended before it was whole. What was taken until then is there.";
                (CaptureStands::BrokenOff, Some(says.to_owned()), bytes)
            }
            None => {
                let size = figure::bytes(i64::try_from(known.bytes).unwrap_or(i64::MAX));
                (CaptureStands::Gone, Some(format!("Its file of {size} is gone.")), known.bytes)
            }
        },
        Err(e) => {
            (CaptureStands::Unreadable, Some(format!("Its file cannot be looked at: {}.", io_words(&e))), known.bytes)
        }
    }
}

/// For hosts: those that are most first.
pub(super) fn left_out(by_why: BTreeMap<String, u64>) -> Vec<NotPlayed> {
    let mut all: Vec<NotPlayed> = by_why.into_iter().map(|(why, times)| NotPlayed { why, times }).collect();
    all.sort_by_key(|l| std::cmp::Reverse(l.times));
    all
}

fn modified_ms(metadata: &Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
