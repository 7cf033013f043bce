//! Repairs: rows that a pass found different are made equal to those of the side with the authority.
//!
//! A repair never guesses. A row is written only where both sides still are what the finding saw, each statement says so
//! itself, and what was written is looked at again before it is called mended. It writes to the side without the authority
//! and to no other, and it keeps nothing open: each statement is a transaction of its own.

mod apply;
mod decide;
mod preview;
mod row;
mod session;

use std::collections::HashSet;

use switchyard_model::{Side, ident::TableName};

pub use apply::{Mender, order};
pub use preview::{Planned, Previewer};
pub use row::Mended;

use super::Stream;
use crate::{
    db::Database,
    error::{Error, Kind, Result},
};

/// What a repair is run with.
#[derive(Clone, Copy)]
pub struct Repair<'a> {
    /// The source.
    pub source: &'a Database,
    /// The target.
    pub target: &'a Database,
    /// The side whose rows count; the other one is written to.
    pub authority: Side,
    /// How to wait for the stream between them.
    pub stream: &'a dyn Stream,
    /// As in the pass that found the rows: whether values count as different that a type calls equal.
    pub exact: bool,
}

impl Repair<'_> {
    fn database(&self, side: Side) -> &Database {
        match side {
            Side::Source => self.source,
            Side::Target => self.target,
        }
    }

    /// Refuses where what is written would travel back: the side with the authority subscribes to the other one, which
    /// publishes rows of one of these tables. For pairs whose streams are not ours; of ours the valve is known.
    ///
    /// A subscription with `origin = none` would be no protection, since a repair has no origin.
    ///
    /// # Errors
    /// `Refused`, or when a side does not answer.
    pub async fn nothing_leads_back(&self, tables: &HashSet<TableName>) -> Result<()> {
        let (authority, other) = (self.database(self.authority), self.database(self.authority.other()));
        let feeders = authority.repairs.fed_from().await?;
        if feeders.is_empty() {
            return Ok(());
        }
        let tables: Vec<TableName> = tables.iter().cloned().collect();
        let leaving = other.repairs.leaving(&feeders, &tables).await?;
        let Some(first) = leaving.first() else { return Ok(()) };
        let why = format!(
            "{a} subscribes to {b}, which publishes {}{}: a repair would travel back. If {b} has the authority, mend {a} from \
             it, by naming them the other way round; else end that subscription",
            first.plain(),
            if leaving.len() > 1 { " and others" } else { "" },
            a = authority.label,
            b = other.label,
        );
        Err(Error::new(Kind::Refused, format!("repairing rows on {}", other.label), why))
    }

    /// Whether our role may write on the side without the authority as a repair does.
    ///
    /// # Errors
    /// `Privilege` where it may not, with what to grant; or when that side does not answer.
    pub async fn may_write(&self) -> Result<()> {
        self.database(self.authority.other()).repairs.writer().await?.close().await;
        Ok(())
    }
}
