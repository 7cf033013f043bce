//! What may stand in a step's way that no cut connection brings about: the world is not as it was to be.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_model::Side;
use switchyard_rig::DATABASE;

use super::world::World;

/// On which side.
#[derive(Debug, Clone, Copy)]
enum Where {
    Target,
    /// Whoever has it now.
    Authority,
}

impl Where {
    async fn side(self, world: &World) -> Side {
        match self {
            Where::Target => Side::Target,
            Where::Authority => world.book.state().await.authority,
        }
    }
}

/// How the world is made wrong.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// By statements, taken back by others.
    Sql(Where, &'static str, &'static str),
    /// By a transaction of somebody else, which stays open.
    Transaction(Where, &'static str),
    /// By an operator who has paused the pooler.
    Paused,
    /// By an operator who has moved reads.
    ReadsMoved,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Obstacle {
    /// In words.
    pub what: &'static str,
    /// What the error has to name.
    pub told: &'static str,
    way: Way,
}

/// An obstacle that stands.
pub struct Standing {
    way: Way,
    transaction: Option<PgConnection>,
}

const OBSTACLES: &[(&str, Obstacle)] = &[
    ("read_routers", Obstacle { what: "somebody moved reads", told: "the routers say 7 %", way: Way::ReadsMoved }),
    (
        "restore_structure",
        Obstacle {
            what: "the target holds a table of that name since the analysis",
            told: "table public.region",
            way: Way::Sql(Where::Target, "CREATE TABLE public.region (theirs int)", "DROP TABLE public.region"),
        },
    ),
    (
        "empty_target",
        Obstacle {
            what: "a table on the target holds rows",
            told: "public.category",
            way: Way::Sql(
                Where::Target,
                "INSERT INTO public.category (category_id, name) VALUES (1, 'theirs')",
                "DELETE FROM public.category",
            ),
        },
    ),
    ("guard", Obstacle { what: "the pooler is paused", told: "holding clients already", way: Way::Paused }),
    (
        "guard",
        Obstacle {
            what: "a table was made that nobody carries",
            told: "was made since replication began",
            way: Way::Sql(Where::Authority, "CREATE TABLE public.later (x int)", "DROP TABLE public.later"),
        },
    ),
    ("guard_hold", Obstacle { what: "the pooler is paused", told: "holding clients already", way: Way::Paused }),
    (
        "guard_hold",
        Obstacle {
            what: "a table was made that no fence covers",
            told: "public.later on a was made since",
            way: Way::Sql(Where::Authority, "CREATE TABLE public.later (x int)", "DROP TABLE public.later"),
        },
    ),
    (
        "refuse_writes",
        Obstacle {
            what: "a transaction keeps a table",
            told: "not all locks were free",
            way: Way::Transaction(Where::Authority, "BEGIN; LOCK TABLE public.region IN ROW EXCLUSIVE MODE"),
        },
    ),
    (
        "fence",
        Obstacle {
            what: "a transaction keeps a table",
            told: "not all locks were free",
            way: Way::Transaction(Where::Authority, "BEGIN; LOCK TABLE public.region IN ROW EXCLUSIVE MODE"),
        },
    ),
];

/// What is tried on a step, besides faults.
pub fn of(step: &str) -> impl Iterator<Item = Obstacle> {
    OBSTACLES.iter().filter(move |(name, _)| *name == step).map(|(_, obstacle)| *obstacle)
}

impl Obstacle {
    /// Puts it in the way.
    pub async fn put(self, world: &World) -> Standing {
        let mut transaction = None;
        match self.way {
            Way::Sql(at, sql, _) => world.server(at.side(world).await).execute(sql).await.unwrap(),
            Way::Transaction(at, sql) => {
                let mut connection =
                    PgConnection::connect(&world.server(at.side(world).await).admin_url(DATABASE)).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                transaction = Some(connection);
            }
            Way::Paused => world.routers.hold_all(std::time::Duration::from_secs(5)).await.unwrap(),
            Way::ReadsMoved => world.routers.shift_reads(7).await.unwrap(),
        }
        Standing { way: self.way, transaction }
    }
}

impl Standing {
    /// Takes it out of the way; whoever put it there expects to find it so.
    pub async fn remove(self, world: &World) {
        match self.way {
            Way::Sql(at, _, sql) => world.server(at.side(world).await).execute(sql).await.unwrap(),
            Way::Transaction(..) => self.transaction.unwrap().close().await.unwrap(),
            Way::Paused => world.routers.release_all().await.unwrap(),
            Way::ReadsMoved => world.routers.shift_reads(0).await.unwrap(),
        }
    }
}
