//! The table of commands: name, arguments, result. The dispatcher and the TypeScript both come from its rows.

use crate::{Switchyard, dto::*};

/// Expands to the dispatcher and to the list that the TypeScript generator reads. Each row names a method of
/// [`Switchyard`] that takes the arguments and returns the result.
macro_rules! commands {
    ($( $(#[doc = $doc:literal])+ $name:ident ( $args:ty ) -> $result:ty; )+) => {
        /// Name, TypeScript of the arguments, TypeScript of the result, sentence; one row per command.
        pub fn table(cfg: &ts_rs::Config) -> Vec<(&'static str, String, String, String)> {
            use ts_rs::TS;
            vec![$( (stringify!($name), <$args>::name(cfg), <$result>::name(cfg), concat!($($doc),+).trim().to_owned()) ),+]
        }

        /// Exports every type that the commands mention.
        ///
        /// # Errors
        /// When a file cannot be written.
        pub fn export_types(cfg: &ts_rs::Config) -> Result<(), ts_rs::ExportError> {
            use ts_rs::TS;
            $( <$args>::export_all(cfg)?; <$result>::export_all(cfg)?; )+
            Event::export_all(cfg)?;
            // Answered by the shell, which asks for files by a dialog of its own.
            Exported::export_all(cfg)?;
            Written::export_all(cfg)?;
            ApiError::export_all(cfg)
        }

        impl Switchyard {
            /// The one bridge: a command by name, arguments and result as JSON.
            ///
            /// # Errors
            /// `unknown_command`, `invalid` when the arguments do not fit, or what the command itself answers.
            pub async fn call(&self, name: &str, args: serde_json::Value) -> Result<serde_json::Value, ApiError> {
                match name {
                    $( stringify!($name) => {
                        let args: $args = serde_json::from_value(args).map_err(|e| ApiError::invalid(name, &e.to_string()))?;
                        let result: $result = self.$name(args).await?;
                        serde_json::to_value(result).map_err(|e| ApiError::invalid(name, &e.to_string()))
                    } )+
                    other => Err(ApiError::new("unknown_command", format!("There is no command “{other}”."), "Update the program that asked.")),
                }
            }
        }
    };
}

commands! {
    /// Facts about this process.
    app_info(Nothing) -> AppInfo;
    /// All endpoints.
    endpoint_list(Nothing) -> EndpointList;
    /// Saves an endpoint; its password goes to the keyring, or to memory where there is none.
    endpoint_save(SaveEndpoint) -> EndpointRow;
    /// Deletes an endpoint and its password.
    endpoint_delete(ByName) -> Nothing;
    /// Connects with the form's fields and says what is wrong in a sentence.
    endpoint_test(SaveEndpoint) -> EndpointTest;
    /// Reads a pasted URL into fields.
    endpoint_read_url(PastedUrl) -> ReadUrl;
    /// What pg_service.conf and .pgpass offer.
    endpoint_importable(Nothing) -> Importable;
    /// Imports one service by name, with its password from .pgpass.
    endpoint_import(ByName) -> EndpointRow;
    /// All migrations.
    migration_list(Nothing) -> MigrationList;
    /// Creates a migration.
    migration_create(CreateMigration) -> MigrationRow;
    /// Everything the main screen shows.
    cockpit(CockpitRequest) -> Cockpit;
    /// What a command would do.
    preview(PreviewRequest) -> Preview;
    /// Asks for a command to be run; answers at once with a ticket.
    run(RunCommand) -> Accepted;
    /// How a command stands.
    command_result(ByTicket) -> CommandResult;
    /// A person answers a check.
    sign_off(SignOffRequest) -> Nothing;
    /// A person overrides a closed gate for the next run.
    override_gate(OverrideRequest) -> Nothing;
    /// The limits that a migration can begin with.
    limits_templates(Nothing) -> LimitsTemplates;
    /// Changes the limits.
    set_limits(SetLimits) -> Nothing;
    /// The application's own metrics: where each stands.
    metrics(MetricsRequest) -> MetricsView;
    /// Sets a metric of the application up, or replaces it; from then on the ladder waits for it.
    metric_set(MetricForm) -> MetricRow;
    /// Reads a metric as it is filled in, and keeps nothing.
    metric_try(MetricForm) -> MetricRow;
    /// Takes a metric of the application away.
    metric_remove(RemoveMetric) -> Nothing;
    /// A password for this session, or for the keyring where there is one.
    provide_password(ProvidePassword) -> Nothing;
    /// Entries of the journal.
    journal(JournalRequest) -> JournalPage;
    /// Where every table stands, and what the comparison in the background does.
    consistency(ByName) -> Consistency;
    /// Reads both schemas and compares them, object by object.
    schema_differences(ByName) -> SchemaView;
    /// A page of one table's findings.
    findings(FindingsRequest) -> FindingsPage;
    /// Pauses, resumes or slows the comparison in the background.
    set_pacing(SetPacing) -> Nothing;
    /// Asks whoever drives to compare tables now.
    compare_now(CompareNow) -> Nothing;
    /// Measures a migration's pair and keeps it: some seconds, and a sample that is written to the target and rolled back.
    measure_pair(ByName) -> Nothing;
    /// The timeline of a migration, from the last measurement, with its picture.
    timeline(TimelineRequest) -> TimelineView;
    /// Keeps what an operator changed in a timeline.
    change_timeline(ChangeTimeline) -> Nothing;
    /// Connections that are needed through the phases, against both servers' limits.
    pools(PoolsRequest) -> PoolsView;
    /// What the routers' pools do now; asks the poolers alone.
    pools_now(ByName) -> PoolsNow;
    /// Asks for a drill; whoever drives runs it.
    drill_start(DrillRequest) -> DrillAccepted;
    /// Every drill, and what can be rehearsed now.
    drills(ByName) -> DrillsView;
    /// Plans drills, or takes the plan back.
    drill_schedule(ScheduleDrills) -> Nothing;
    /// The role as which a migration's canary comes in.
    set_canary(SetCanary) -> Nothing;
    /// Synchronous dual write: how it stands, what it cost, how often it fell back, and what turning it on would run.
    dual_write(ByName) -> DualWriteView;
    /// Asks whoever drives to let commits wait for the target.
    dual_write_on(DualWriteRequest) -> DualWriteAccepted;
    /// Asks whoever drives to let commits go on without the target.
    dual_write_off(ByName) -> Nothing;
    /// Statements of both sides, compared.
    queries_top(QueriesRequest) -> QueriesView;
    /// Errors of the target's log by what failed, beside the source's.
    queries_errors(QueryErrorsRequest) -> QueryErrorsView;
    /// Plans of one statement on both sides, side by side.
    queries_plans(PlansRequest) -> PlansView;
    /// The indexes that a statement lacks on the target, and making them there.
    queries_index(IndexRequest) -> IndexView;
    /// Where facts about statements come from, how each source stands, and what it cannot see.
    queries_sources(SourcesRequest) -> SourcesView;
    /// Reads a digest of statements that pgBadger or pt-query-digest made.
    queries_import(ImportDigest) -> DigestView;
    /// Begins to run reads of the source's traffic on both sides.
    shadow_start(ShadowRequest) -> ShadowView;
    /// How shadow reads stand: what was compared, what differs, and what was never compared.
    shadow(ByName) -> ShadowView;
    /// Ends shadow reads.
    shadow_stop(ByName) -> Nothing;
    /// The captures of this machine, and the one that this process takes of a migration's source.
    captures(CapturesRequest) -> CapturesView;
    /// Begins to capture a migration's source.
    capture_start(CaptureStart) -> CapturesView;
    /// Ends a capture; of one that broke off, what there is is kept.
    capture_stop(CaptureFile) -> Nothing;
    /// Looks through a capture and lists it.
    capture_add(CaptureFile) -> CaptureRow;
    /// Takes a capture off the list; its file stays.
    capture_forget(CaptureFile) -> Nothing;
    /// Begins to play a capture on a scratch copy, or on two that are compared.
    replay_start(ReplayStart) -> ReplayJobView;
    /// How the newest replay of this process stands.
    replay_job(ByName) -> ReplayJobView;
    /// Ends a replay in order.
    replay_stop(ByName) -> Nothing;
    /// Begins to send load to a database that is no authority.
    load_start(LoadStart) -> Nothing;
    /// How the newest load of this process stands, with its picture.
    load_job(LoadLook) -> LoadView;
    /// Ends load in order.
    load_stop(ByName) -> Nothing;
    /// Percentiles of reads or writes of both sides over time.
    latency_chart(LatencyChartRequest) -> LatencyChart;
    /// Transactions that would delay the fence, as the server tells them now.
    transactions(ByName) -> TransactionsView;
    /// Ends a transaction that would delay the fence, with a reason.
    end_transaction(EndTransaction) -> EndedTransaction;
    /// Accepts a difference of the schemas, with a reason.
    accept_difference(AcceptDifference) -> Nothing;
    /// Takes an accepted difference back.
    take_back_difference(TakeBackDifference) -> Nothing;
    /// The lag chart.
    lag_chart(LagChartRequest) -> LagChart;
}
