//! What a section's restore is going to run, for people.

use switchyard_model::journal::Action;

use super::{SchemaDump, Section, restore::fill_statement};
use crate::tool::{login::Login, process};

impl SchemaDump {
    /// The command lines of a section, without secrets, with a count of its objects per kind.
    pub fn actions(&self, section: Section, target: &Login) -> Vec<Action> {
        let counts: Vec<String> = self.objects(section).iter().map(|(kind, n)| format!("{n} × {kind}")).collect();
        let counts = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
        let line = process::line(&self.tools.restore, &self.restore_arguments(section, target));
        let mut out = vec![
            Action::new(&self.source_label, &self.taken_by),
            Action::new(&target.label, format!("{line}  # {counts}, as far as they are missing")),
        ];
        if section == Section::Rest {
            out.extend(self.filled_views.iter().map(|v| Action::new(&target.label, fill_statement(v))));
        }
        out
    }
}
