//! Rows that somebody else's replication brings into the source.

use super::on_fact;
use crate::{
    ident::quote,
    inventory::Inventory,
    preflight::answer::{Answer, Bad, shown},
};

/// Rows that a subscription applied carry its origin. A stream with `origin = none`, which ours is from 16 on, leaves them
/// out; before, the subscription would go on writing to a source that is fenced.
pub(super) fn judge(source: &Inventory) -> Answer {
    on_fact(&source.server, &source.particulars.subscriptions, "subscriptions", |names| {
        Answer::none_of(
            "none is enabled",
            "enabled on the source: what it brings does not go on to the target, and no fence holds it",
            "subscription",
            names.iter().map(|name| Bad {
                object: format!("subscription {}", shown(&[name])),
                says: None,
                statement: format!("ALTER SUBSCRIPTION {} DISABLE", quote(name)),
            }),
            "Let it feed the target instead, or stop it: ",
        )
    })
}
