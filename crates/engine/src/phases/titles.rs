//! Short titles of steps, for lists that know only the journal's names.

/// Name in the journal, title for people.
const TITLES: &[(&str, &str)] = &[
    ("read_catalogs", "Read both catalogs"),
    ("read_routers", "Read the route back"),
    ("restore_structure", "Make the structure on the target"),
    ("restore_keys", "Make the keys on the target"),
    ("restore_rest", "Make the other indexes and constraints"),
    ("install_fence_on_source", "Install beats and fence on the source"),
    ("install_fence_on_target", "Install beats and fence on the target"),
    ("measure_writes", "Measure writes before replication"),
    ("fix_scope", "Fix the tables in scope"),
    ("empty_target", "See that the target's tables are empty"),
    ("publish_from_source", "Publish on the source"),
    ("subscribe_to_source", "Subscribe the target"),
    ("copy", "Copy every row"),
    ("analyze_target", "Gather planner statistics"),
    ("publish_from_target", "Publish on the target, valve closed"),
    ("subscribe_to_target", "Subscribe the source"),
    ("prove_streams", "See a beat arrive each way"),
    ("digest_tables", "Compare every row of every table"),
    ("repair_rows", "Mend rows that differ"),
    ("shift_reads", "Shift reads"),
    ("guard_hold", "See that nothing would block the fence"),
    ("refuse_writes", "The source refuses writes"),
    ("resume", "Clients go on, reads alone"),
    ("let_writes_in", "Let writes go on at the source"),
    ("guard", "Prove both ways alive"),
    ("hold", "Hold writes"),
    ("fence", "Fence the losing side"),
    ("prove_caught_up", "Prove the other side has everything"),
    ("advance_sequences", "Advance sequences"),
    ("point_of_no_return", "Journal: point of no return"),
    ("commit_fence", "Make the fence permanent"),
    ("open_way_back", "Open the stream back"),
    ("lower_fence", "Let writes in"),
    ("route", "Route"),
    ("release", "Release"),
    ("watch", "Read back and watch"),
    ("remove_stream_from_source", "Take down source → target"),
    ("remove_stream_from_target", "Take down target → source"),
    ("remove_fence_from_source", "Remove ours from the source"),
    ("remove_fence_from_target", "Remove ours from the target"),
    ("prove_gone", "See that nothing is left"),
];

/// The title of a step; the name itself where another version wrote it.
pub fn step_title(name: &str) -> &str {
    TITLES.iter().find(|(known, _)| *known == name).map_or(name, |(_, title)| title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_the_switch_has_a_title() {
        for step in switchyard_model::switch::ORDER {
            assert_ne!(step_title(step.word()), step.word(), "{} would be shown by its internal name", step.word());
        }
    }
}
