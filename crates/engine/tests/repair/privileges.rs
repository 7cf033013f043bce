//! Who may repair, and what would travel back.

use std::collections::HashSet;

use switchyard_engine::{
    Kind,
    db::{
        Database,
        connect::{Login, bundle, connect_postgres},
    },
    reconcile::repair::{Mender, Repair},
    secret::Secret,
};
use switchyard_model::{Side, ident::TableName, repair::RepairOutcome};
use switchyard_rig::Major;

use super::{
    postgres_server::{Bed, endpoint},
    twin::{Still, Twin},
};

async fn limited(bed: &Bed) -> Database {
    let login = &bed.server.logins.limited;
    let endpoint = switchyard_model::endpoint::Endpoint { user: login.user.clone(), ..endpoint(&bed.server, "shop") };
    let password = Secret::new(login.password.clone());
    let login = Login { endpoint: &endpoint, password: Some(&password) };
    bundle(connect_postgres(Side::Target, login, 4).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_is_told_what_to_grant() {
    for major in [Major::V15, Major::best()] {
        let twin = Twin::of(Major::V15, major).await;
        twin.both("CREATE TABLE t (id int PRIMARY KEY, v int)").await;
        twin.source.execute("INSERT INTO t VALUES (1, 1)").await;
        let found = twin.findings(Side::Source).await;
        let target = limited(&twin.target).await;
        let repair = Repair { source: &twin.a, target: &target, authority: Side::Source, stream: &Still, exact: false };
        let tables: HashSet<TableName> = found.iter().map(|(t, _)| t.clone()).collect();
        let Err(e) = Mender::open(repair, &tables).await else { panic!("nobody may act as a replica uninvited") };
        let grant = "GRANT SET ON PARAMETER session_replication_role TO \"switchyard_limited\"";
        assert_eq!(e.kind, Kind::Privilege, "{e}");
        assert!(e.why.contains(grant), "the sentence is the remedy: {e}");

        twin.target.server.execute(&format!("{grant}; GRANT SELECT ON t TO switchyard_limited")).await.unwrap();
        let refused = &twin.mend_by(repair, &found).await[0].row.outcome;
        assert!(matches!(refused, RepairOutcome::Refused { why } if why.contains("may not write")), "{refused:?}");
        twin.target.server.execute("GRANT INSERT, UPDATE, DELETE ON t TO switchyard_limited").await.unwrap();
        assert_eq!(twin.mend_by(repair, &found).await[0].row.outcome, RepairOutcome::Mended, "once granted, it does");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_stream_leads_back_nothing_is_repaired() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)").await;
    let tables = |name: &str| HashSet::from([TableName::new("public", name)]);
    let repair = twin.repair(Side::Source);
    repair.nothing_leads_back(&tables("t")).await.unwrap();

    let publish = "CREATE PUBLICATION back FOR TABLE t; CREATE PUBLICATION for_others FOR ALL TABLES";
    twin.target.server.execute(publish).await.unwrap();
    repair.nothing_leads_back(&tables("t")).await.unwrap_or_else(|e| panic!("nobody subscribes yet: {e}"));
    let from = twin.target.server.admin_url("shop");
    let subscribe = format!("CREATE SUBSCRIPTION back CONNECTION '{from}' PUBLICATION back WITH (copy_data = false)");
    twin.source.server.execute(&subscribe).await.unwrap();
    let e = repair.nothing_leads_back(&tables("t")).await.unwrap_err();
    assert!(e.kind == Kind::Refused && e.why.contains("public.t") && e.why.contains("travel back"), "{e}");
    repair.nothing_leads_back(&tables("u")).await.unwrap_or_else(|e| panic!("this table is not published: {e}"));
    // As the valve of ours is closed.
    twin.target.server.execute("ALTER PUBLICATION back SET (publish = '')").await.unwrap();
    repair.nothing_leads_back(&tables("t")).await.unwrap_or_else(|e| panic!("nothing leaves: {e}"));
}
