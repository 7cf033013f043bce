//! What a section's restore is going to run, for people.

use std::collections::BTreeMap;

use switchyard_model::journal::Action;

use super::{
    SchemaDump, Section,
    restore::{Pass, fill_statement},
};
use crate::tool::{login::Login, process};

impl SchemaDump {
    /// The command lines and statements of a section, without secrets, with a count of its objects per kind.
    pub fn actions(&self, section: Section, target: &Login) -> Vec<Action> {
        let mut out = vec![Action::new(&self.source_label, &self.taken_by)];
        out.extend(self.pass_action(section, Pass::First, target));
        for tie in self.of(section).filter_map(|i| i.tie.as_ref()) {
            out.extend(tie.statements().map(|s| Action::new(&target.label, s)));
        }
        out.extend(self.pass_action(section, Pass::Remarks, target));
        if section == Section::Rest {
            out.extend(self.filled_views.iter().map(|v| Action::new(&target.label, fill_statement(v))));
        }
        out
    }

    fn pass_action(&self, section: Section, pass: Pass, target: &Login) -> Option<Action> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for item in self.of(section).filter(|i| Pass::of(section, i) == Some(pass)) {
            *counts.entry(item.entry.kind.to_lowercase()).or_insert(0) += 1;
        }
        if counts.is_empty() {
            return None;
        }
        let counts: Vec<String> = counts.iter().map(|(kind, n)| format!("{n} × {kind}")).collect();
        let line = process::line(&self.tools.restore, &self.restore_arguments(section, pass, target));
        Some(Action::new(&target.label, format!("{line}  # {}, as far as they are missing", counts.join(", "))))
    }
}
