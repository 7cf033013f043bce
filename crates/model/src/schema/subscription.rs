//! Subscriptions, but ours. How they connect is a secret of theirs and never read.

use serde::{Deserialize, Serialize};

use super::{
    difference::Severity,
    item::{Alone, Aspect, Compared, Head, Item, Key, Mend, Same, Sides},
    kind::Kind,
    name,
    script::Script,
};
use crate::ident::literal;

/// One subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its name and the rest.
    pub head: Head,
    /// Whether it runs.
    pub enabled: bool,
    /// Publications that it takes.
    pub publications: Vec<String>,
    /// Its slot on the other server.
    pub slot: Option<String>,
    /// `off`, `on` or `parallel`.
    pub streaming: String,
    /// `synchronous_commit` of its worker.
    pub synchronous_commit: String,
    /// Sends values in binary.
    pub binary: bool,
}

impl Subscription {
    fn alter(&self, what: &str) -> String {
        format!("ALTER {} {what}", self.phrase())
    }
}

fn word(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

impl Item for Subscription {
    fn kind(&self) -> Kind {
        Kind::Subscription
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn parent(&self) -> Option<Key> {
        None
    }

    fn gist(&self) -> String {
        format!("to {}", self.publications.join(", "))
    }

    fn phrase(&self) -> String {
        format!("SUBSCRIPTION {}", name::sql(&self.head.name))
    }

    fn create(&self, _sides: &Sides, _script: &mut Script) {
        // It takes the address and a secret, and begins a stream: no statement to be run by the way.
    }

    fn is_made(&self) -> bool {
        false
    }

    fn remove(&self, _sides: &Sides) -> Option<String> {
        // With a slot, that reaches for the other server.
        None
    }

    fn alone(&self, side: Alone) -> (Severity, &'static str) {
        match side {
            Alone::Missing => (
                Severity::Data,
                "The source is fed by it from another server, and the target is not. Its connection is a secret: make it by hand, when its stream is to change over.",
            ),
            Alone::Extra => {
                (Severity::Data, "The target is fed from another server. Look whose it is, and drop it by hand.")
            }
        }
    }
}

impl Compared for Subscription {
    const ASPECTS: &'static [Aspect<Subscription>] = &[
        Aspect {
            what: "enabled",
            same: Same::Text,
            value: |s| Some(word(s.enabled)),
            means: |_, _| (Severity::Data, "One side is fed by it, the other is not."),
            mend: |s, t, _| Mend::one(t.alter(if s.enabled { "ENABLE" } else { "DISABLE" })),
        },
        Aspect {
            what: "publications",
            same: Same::Text,
            value: |s| Some(name::list(&s.publications)),
            means: |_, _| (Severity::Data, "The two sides are fed with different tables."),
            mend: |s, t, _| {
                Mend::one(t.alter(&format!("SET PUBLICATION {} WITH (refresh = false)", name::list(&s.publications))))
            },
        },
        Aspect {
            what: "streaming",
            same: Same::Text,
            value: |s| Some(s.streaming.clone()),
            means: |_, _| (Severity::Speed, "Large transactions are applied while they run, or only at their end."),
            mend: |s, t, sides| {
                let known = s.streaming != "parallel" || sides.target_version >= 160_000;
                if known { Mend::one(t.alter(&format!("SET (streaming = {})", s.streaming))) } else { Mend::Nothing }
            },
        },
        Aspect {
            what: "synchronous commit",
            same: Same::Text,
            value: |s| Some(s.synchronous_commit.clone()),
            means: |_, _| {
                (Severity::Data, "After a crash, its last rows come again, or a waiting primary waits longer.")
            },
            mend: |s, t, _| {
                Mend::one(t.alter(&format!("SET (synchronous_commit = {})", literal(&s.synchronous_commit))))
            },
        },
        Aspect {
            what: "binary",
            same: Same::Text,
            value: |s| Some(word(s.binary)),
            means: |_, _| (Severity::Speed, "Values travel as text, or in binary, which wants equal types."),
            mend: |s, t, _| Mend::one(t.alter(&format!("SET (binary = {})", word(s.binary)))),
        },
    ];
}
