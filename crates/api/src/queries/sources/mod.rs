//! Where facts about queries come from, how each source stands, what it gives just now, and what it cannot see.
//!
//! Every source is read twice. One that cannot be asked keeps none of the others back. Nothing is made up: what a source does
//! not give is not computed from what it does.

mod row;
mod server;

use std::time::Duration;

use switchyard_engine::{Error, db::Database, route::Traffic, store::MigrationId};
use switchyard_model::{
    Side,
    migration::MigrationSpec,
    router::RouterConfig,
    sources::{Reading, SourceKind},
};

use self::{
    row::{Outcome, row},
    server::OF_SERVERS,
};
use crate::{Switchyard, dto::*, verify::End};

/// Between two readings at most, seconds.
const LONGEST: u32 = 60;

/// Sessions per side.
const LANES: usize = 2;

/// Whose source, and what became of asking it.
struct Asked {
    kind: SourceKind,
    name: String,
    side: Option<Side>,
    outcome: Outcome,
}

impl Switchyard {
    /// All sources, read twice.
    pub(crate) async fn queries_sources(&self, args: SourcesRequest) -> Result<SourcesView, ApiError> {
        if !(1..=LONGEST).contains(&args.seconds) {
            let why = format!("Sources cannot be read twice within {} s.", args.seconds);
            return Err(ApiError::new("invalid", why, format!("Give between 1 and {LONGEST} seconds.")));
        }
        let (id, book) = self.named(&args.migration).await?;
        let spec = book.state().await.spec;
        let (source, target) =
            tokio::join!(self.looked_at(Side::Source, &spec.source), self.looked_at(Side::Target, &spec.target));
        let sides = [(Side::Source, &spec.source, source), (Side::Target, &spec.target, target)];
        let before = self.sources_once(id, &spec, &sides).await;
        tokio::time::sleep(Duration::from_secs(u64::from(args.seconds))).await;
        let after = self.sources_once(id, &spec, &sides).await;
        let at = self.parts.clock.now();
        let earlier = |now: &Asked| {
            before.iter().find(|b| (b.kind, &b.name, b.side) == (now.kind, &now.name, now.side)).map(|b| &b.outcome)
        };
        let sources = after.iter().map(|now| row(now, earlier(now))).collect();
        Ok(SourcesView { at, seconds: args.seconds, sources })
    }

    async fn looked_at(&self, side: Side, name: &str) -> Result<Database, ApiError> {
        self.end(side, &End { reference: name.to_owned(), password: None }, LANES).await
    }

    /// All sources, once.
    async fn sources_once(
        &self,
        id: MigrationId,
        spec: &MigrationSpec,
        sides: &[(Side, &String, Result<Database, ApiError>); 2],
    ) -> Vec<Asked> {
        let [source, target] = sides;
        let (mut out, there, routers) = tokio::join!(of_server(source), of_server(target), self.of_routers(id, spec));
        out.extend(there);
        out.extend(routers);
        out
    }

    async fn of_routers(&self, id: MigrationId, spec: &MigrationSpec) -> Vec<Asked> {
        if spec.routers.is_empty() {
            return Vec::new();
        }
        let routers = match self.routers_for_looking(id, spec).await {
            Ok(routers) => routers,
            // A password that is missing, or a keyring that is silent: none of them was asked.
            Err(e) => return spec.routers.iter().map(|r| unasked(r, &e)).collect(),
        };
        let mut out = Vec::new();
        for (name, kind, traffic) in routers.traffic_all().await {
            match traffic {
                Ok(all) => out.extend(all.into_iter().map(|Traffic { kind, side, reading }| {
                    let outcome = Outcome::Seen { reading, lacks: None, notes: Vec::new() };
                    Asked { kind, name: name.clone(), side, outcome }
                })),
                Err(e) => {
                    // Its password may have changed: the next look begins anew.
                    self.consoles.lock().await.remove(&id);
                    out.push(Asked { kind, name, side: None, outcome: failed(&e) });
                }
            }
        }
        out
    }
}

async fn of_server(side: &(Side, &String, Result<Database, ApiError>)) -> Vec<Asked> {
    let (side, name, database) = side;
    let all = match database {
        Ok(database) => server::all(database).await,
        Err(e) => OF_SERVERS.map(|kind| (kind, Outcome::Unknown(e.message.clone(), e.remedy.clone()))).into(),
    };
    let one = |(kind, outcome)| Asked { kind, name: (*name).clone(), side: Some(*side), outcome };
    all.into_iter().map(one).collect()
}

/// What a failure means: it could not be asked, or it answered and gives nothing.
fn failed(e: &Error) -> Outcome {
    use switchyard_engine::Kind;
    match e.kind {
        Kind::Unreachable | Kind::Deadline | Kind::NotReady | Kind::TooManyConnections | Kind::Keyring => {
            Outcome::Unknown(e.sentence(), e.remedy().to_owned())
        }
        _ => Outcome::Refused(e.sentence(), e.remedy().to_owned()),
    }
}

fn unasked(router: &RouterConfig, e: &ApiError) -> Asked {
    let kind = match router {
        RouterConfig::PgBouncer { .. } => SourceKind::Pgbouncer,
        RouterConfig::HaProxy { .. } => SourceKind::Haproxy,
    };
    Asked { kind, name: router.label(), side: None, outcome: Outcome::Unknown(e.message.clone(), e.remedy.clone()) }
}
