//! Tickets: commands that wait for the holder of the lease.

use serde::{Deserialize, Serialize};
use switchyard_model::{Command, UnixMs};

use super::{MigrationId, Store};
use crate::error::{Error, Kind, Result};

/// A command that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// Its number.
    pub id: i64,
    /// What.
    pub command: Command,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub by: String,
    /// When it was asked.
    pub at: UnixMs,
}

/// How a ticket stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TicketState {
    /// Nobody has taken it.
    Waiting,
    /// It runs.
    Running,
    /// Done.
    Done {
        /// One sentence.
        summary: String,
    },
    /// Refused; nothing was touched.
    Refused {
        /// One sentence.
        why: String,
    },
    /// Failed and taken back.
    Undone {
        /// One sentence.
        summary: String,
    },
    /// Failed; something is left.
    Failed {
        /// One sentence.
        summary: String,
    },
}

impl Store {
    /// Puts a command into the queue.
    pub async fn ask(
        &self,
        migration: MigrationId,
        command: &Command,
        reason: &str,
        by: &str,
        now: UnixMs,
    ) -> Result<i64> {
        let doing = "asking for a command";
        let text = serde_json::to_string(command).map_err(|e| self.unreadable(doing, e))?;
        let (id,): (i64,) = sqlx::query_as(
            "INSERT INTO ticket (migration_id, command, reason, asked_by, asked_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(migration)
        .bind(text)
        .bind(reason)
        .bind(by)
        .bind(now)
        .fetch_one(&self.full)
        .await
        .map_err(|e| self.failed(doing, e))?;
        Ok(id)
    }

    /// The oldest ticket that waits.
    pub async fn next_ticket(&self, migration: MigrationId) -> Result<Option<Ticket>> {
        let doing = "reading the queue";
        let row: Option<(i64, String, String, String, i64)> = sqlx::query_as(
            "SELECT id, command, reason, asked_by, asked_at FROM ticket
             WHERE migration_id = ? AND result IS NULL ORDER BY id LIMIT 1",
        )
        .bind(migration)
        .fetch_optional(&self.full)
        .await
        .map_err(|e| self.failed(doing, e))?;
        let Some((id, text, reason, by, at)) = row else { return Ok(None) };
        let command = serde_json::from_str(&text).map_err(|e| self.unreadable(doing, e))?;
        Ok(Some(Ticket { id, command, reason, by, at }))
    }

    /// Records how a ticket stands.
    pub async fn set_ticket(&self, id: i64, state: &TicketState) -> Result<()> {
        let doing = "recording a result";
        let text = match state {
            TicketState::Waiting => None,
            other => Some(serde_json::to_string(other).map_err(|e| self.unreadable(doing, e))?),
        };
        sqlx::query("UPDATE ticket SET result = ? WHERE id = ?")
            .bind(text)
            .bind(id)
            .execute(&self.full)
            .await
            .map_err(|e| self.failed(doing, e))?;
        Ok(())
    }

    /// How a ticket stands.
    pub async fn ticket(&self, id: i64) -> Result<TicketState> {
        let doing = "reading a result";
        let row: Option<(Option<String>,)> = sqlx::query_as("SELECT result FROM ticket WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.full)
            .await
            .map_err(|e| self.failed(doing, e))?;
        match row {
            None => Err(Error::new(Kind::NotFound, doing, format!("there is no ticket {id}"))),
            Some((None,)) => Ok(TicketState::Waiting),
            Some((Some(text),)) => serde_json::from_str(&text).map_err(|e| self.unreadable(doing, e)),
        }
    }

    /// Ends tickets that a process took and did not live to answer.
    pub async fn end_orphans(&self, migration: MigrationId, why: &str) -> Result<()> {
        let doing = "ending orphaned tickets";
        let running = serde_json::to_string(&TicketState::Running).map_err(|e| self.unreadable(doing, e))?;
        let failed_state = TicketState::Failed { summary: why.to_owned() };
        let text = serde_json::to_string(&failed_state).map_err(|e| self.unreadable(doing, e))?;
        sqlx::query("UPDATE ticket SET result = ? WHERE migration_id = ? AND result = ?")
            .bind(text)
            .bind(migration)
            .bind(running)
            .execute(&self.full)
            .await
            .map_err(|e| self.failed(doing, e))?;
        Ok(())
    }
}
