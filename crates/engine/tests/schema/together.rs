//! Many differences at once: their statements do not stand in each other's way.

use switchyard_rig::Major;

use crate::{
    bed::{Bed, named},
    cases::{Case, cases},
};

/// Those that are about one object are taken in turns, so that every change is part of one round.
const ROUNDS: usize = 4;

async fn mended_together(bed: &Bed, changes: &[&Case]) {
    let mut made = 0;
    for case in changes {
        // One may take away what another one changes.
        made += usize::from(bed.target_runs(&case.change).await.is_ok());
    }
    assert!(made * 10 > changes.len() * 8, "most changes can be made together: {made} of {}", changes.len());
    let found = bed.difference().await;
    assert!(found.len() * 10 > made * 6, "most of them are found: {} of {made}: {}", found.len(), named(&found));
    let mut failed = Vec::new();
    for row in &found {
        if let Some(sql) = &row.sql
            && let Err(why) = bed.target_runs(sql).await
        {
            failed.push(format!("{} {} {}: {why}\n{sql}", row.kind, row.object, row.what));
        }
    }
    let left = bed.difference().await;
    assert!(failed.is_empty() && left.is_empty(), "{}\nleft: {}", failed.join("\n\n"), named(&left));
}

async fn in_rounds(target: Major) {
    let cases = cases();
    let Some(mut bed) = Bed::start(target, include_str!("base.sql")).await else { return };
    for round in 0..ROUNDS {
        let of_round = |n: &usize| n % ROUNDS == round;
        let changes: Vec<&Case> =
            cases.iter().enumerate().filter(|(n, c)| of_round(n) && c.undo.is_none()).map(|(_, c)| c).collect();
        mended_together(&bed, &changes).await;
        if round + 1 < ROUNDS {
            bed = bed.again(include_str!("base.sql")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_do_not_stand_in_each_others_way_15_to_15() {
    in_rounds(Major::V15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_do_not_stand_in_each_others_way_15_to_18() {
    in_rounds(Major::V18).await;
}

/// Keys that refer to each other, a view over a view whose name comes first, a function that a table needs.
const TANGLED: &str = "CREATE TABLE public.hen (id integer PRIMARY KEY, egg integer); \
    CREATE TABLE public.egg (id integer PRIMARY KEY, hen integer CONSTRAINT laid_by REFERENCES public.hen); \
    ALTER TABLE public.hen ADD CONSTRAINT hatched_from FOREIGN KEY (egg) REFERENCES public.egg; \
    CREATE VIEW public.z AS SELECT id FROM public.hen; CREATE VIEW public.a AS SELECT id FROM public.z; \
    CREATE FUNCTION public.of_hen(public.hen) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \
    CREATE TABLE public.brood (h public.hen, n integer GENERATED ALWAYS AS (public.of_hen(h)) STORED)";

#[tokio::test(flavor = "multi_thread")]
async fn what_refers_to_each_other_is_made_and_dropped_in_an_order_that_works() {
    for (here, there) in [(TANGLED, "SELECT 1"), ("SELECT 1", TANGLED)] {
        let Some(bed) = Bed::start_empty(Major::V15).await else { return };
        bed.source_runs(here).await;
        bed.target_runs(there).await.unwrap();
        let found = bed.difference().await;
        assert_eq!(found.len(), 6, "three tables, two views, a function, and nothing of them: {}", named(&found));
        let mut failed = 0;
        for row in &found {
            failed += usize::from(bed.target_runs(row.sql.as_deref().unwrap()).await.is_err());
        }
        if there == TANGLED {
            // Nothing cascades: two tables that refer to each other cannot be dropped one by one.
            assert_eq!(failed, 2, "hen and egg stay: {}", named(&bed.difference().await));
        } else {
            assert!(failed == 0 && bed.difference().await.is_empty(), "{}", named(&bed.difference().await));
        }
    }
}
