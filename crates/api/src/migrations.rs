//! Migrations: list, create, command, sign off.

use switchyard_engine::{secret::Secret, store::TicketState};
use switchyard_model::{
    journal::Entry,
    limits::Limits,
    migration::{MigrationSpec, Strategy},
};

use crate::{Switchyard, cockpit, dto::*};

/// Longest reason or name that is kept.
const MOST_TEXT: usize = 2_000;

impl Switchyard {
    pub(crate) async fn migration_list(&self, _: Nothing) -> Result<MigrationList, ApiError> {
        let mut migrations = Vec::new();
        for (id, name, created) in self.parts.store.migrations().await? {
            let state = self.book(id).await?.state().await;
            migrations.push(MigrationRow {
                name,
                source: state.spec.source.clone(),
                target: state.spec.target.clone(),
                headline: cockpit::headline(&state),
                authority: state.authority,
                created,
                over: state.milestones.cleaned.is_some(),
            });
        }
        Ok(MigrationList { migrations })
    }

    pub(crate) async fn migration_create(&self, args: CreateMigration) -> Result<MigrationRow, ApiError> {
        let Some(limits) = Limits::template(&args.limits) else {
            let message = format!("There are no limits “{}”.", args.limits);
            return Err(ApiError::new("invalid", message, "Choose normal, cautious or demo."));
        };
        let spec = MigrationSpec {
            name: args.name.trim().to_owned(),
            strategy: args.strategy.unwrap_or(Strategy::Live),
            source: args.source,
            target: args.target,
            routers: args.routers,
            limits,
        };
        let problems = spec.problems();
        if !problems.is_empty() {
            return Err(ApiError::problems(&problems));
        }
        let source = self.parts.store.endpoint(&spec.source).await?;
        let target = self.parts.store.endpoint(&spec.target).await?;
        if (&source.host, source.port, &source.database) == (&target.host, target.port, &target.database) {
            let message = format!(
                "“{}” and “{}” are the same database ({}:{}, {}).",
                spec.source, spec.target, source.host, source.port, source.database
            );
            return Err(ApiError::new("invalid", message, "Choose two different databases."));
        }
        let now = self.parts.clock.now();
        let id = self.parts.store.create_migration(&spec, &self.parts.operator, now).await?;
        for router in args.router_passwords {
            self.parts.keychain.put(&router.secret, Secret::new(router.password)).await;
        }
        self.drive_if_wanted(id);
        let state = self.book(id).await?.state().await;
        Ok(MigrationRow {
            name: spec.name,
            source: spec.source,
            target: spec.target,
            headline: cockpit::headline(&state),
            authority: state.authority,
            created: now,
            over: false,
        })
    }

    pub(crate) async fn run(&self, args: RunCommand) -> Result<Accepted, ApiError> {
        check_text("reason", &args.reason)?;
        let (id, book) = self.named(&args.migration).await?;
        let refused = |why| ApiError::new("refused", why, "Do what the message says comes first.");
        book.state().await.allows(&args.command).map_err(refused)?;
        let ticket =
            self.parts.store.ask(id, &args.command, &args.reason, &self.parts.operator, self.parts.clock.now()).await?;
        self.changed(&args.migration);
        Ok(Accepted { ticket })
    }

    pub(crate) async fn command_result(&self, args: ByTicket) -> Result<CommandResult, ApiError> {
        Ok(match self.parts.store.ticket(args.ticket).await? {
            TicketState::Waiting => CommandResult::Waiting,
            TicketState::Running => CommandResult::Running,
            TicketState::Done { summary } => CommandResult::Done { summary },
            TicketState::Refused { why } => CommandResult::Refused { why },
            TicketState::Undone { summary } => CommandResult::Undone { summary },
            TicketState::Failed { summary } => CommandResult::Failed { summary },
        })
    }

    pub(crate) async fn sign_off(&self, args: SignOffRequest) -> Result<Nothing, ApiError> {
        answered(&args.name, &args.reason)?;
        if !cockpit::SIGN_OFFS.iter().any(|s| s.id == args.check) {
            let message = format!("“{}” is not a check that a person answers.", args.check);
            return Err(ApiError::new("invalid", message, "Sign off the checks that ask for it."));
        }
        let entry = Entry::SignedOff { check: args.check, by_name: args.name, reason: args.reason };
        self.record(&args.migration, entry).await
    }

    pub(crate) async fn override_gate(&self, args: OverrideRequest) -> Result<Nothing, ApiError> {
        answered(&args.name, &args.reason)?;
        if !switchyard_model::gate::GATES.iter().any(|g| g.name == args.gate) {
            return Err(ApiError::new(
                "invalid",
                format!("There is no gate “{}”.", args.gate),
                "Choose one of the gates shown.",
            ));
        }
        let entry = Entry::Overridden { gate: args.gate, by_name: args.name, reason: args.reason };
        self.record(&args.migration, entry).await
    }

    pub(crate) async fn limits_templates(&self, _: Nothing) -> Result<LimitsTemplates, ApiError> {
        Ok(LimitsTemplates { templates: Limits::TEMPLATES.into_iter().filter_map(Limits::template).collect() })
    }

    pub(crate) async fn set_limits(&self, args: SetLimits) -> Result<Nothing, ApiError> {
        let problems = args.limits.problems();
        if !problems.is_empty() {
            return Err(ApiError::problems(&problems));
        }
        self.record(&args.migration, Entry::LimitsChanged { limits: args.limits }).await
    }

    pub(crate) async fn record(&self, migration: &str, entry: Entry) -> Result<Nothing, ApiError> {
        let (_, book) = self.named(migration).await?;
        book.record(entry).await?;
        self.changed(migration);
        Ok(Nothing {})
    }
}

pub(crate) fn answered(name: &str, reason: &str) -> Result<(), ApiError> {
    if name.trim().is_empty() || reason.trim().is_empty() {
        return Err(ApiError::new(
            "invalid",
            "A name and a reason are needed; both go into the journal.",
            "Fill both in.",
        ));
    }
    check_text("name", name)?;
    check_text("reason", reason)
}

pub(crate) fn check_text(what: &str, text: &str) -> Result<(), ApiError> {
    if text.len() > MOST_TEXT {
        let message = format!("The {what} is longer than {MOST_TEXT} bytes.");
        return Err(ApiError::new("invalid", message, "Shorten it."));
    }
    Ok(())
}
