//! Servers of a backend, and what their states and weights mean for the route.

use switchyard_model::Side;

use crate::error::{Error, Kind, Result};

/// One server of one backend, as HAProxy has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRow {
    /// Backend.
    pub backend: String,
    /// Server.
    pub name: String,
    /// Address to which connections go.
    pub address: String,
    /// Host name in the configuration, where there is one.
    pub host_name: Option<String>,
    /// Port to which connections go.
    pub port: u16,
    /// Whether it gets traffic.
    pub state: ServerState,
    /// Weight, 0–256.
    pub weight: u32,
}

/// Whether a server gets traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerState {
    /// New connections go there.
    Ready,
    /// Should get connections, but its health check fails.
    Down,
    /// Keeps its sessions, gets no new ones.
    Draining,
    /// Switched off by command or file.
    Maintenance,
}

impl ServerState {
    /// HAProxy's word.
    pub fn word(self) -> &'static str {
        match self {
            ServerState::Ready => "ready",
            ServerState::Down => "DOWN",
            ServerState::Draining => "draining",
            ServerState::Maintenance => "in maintenance",
        }
    }

    /// Whether somebody wants it to get new connections.
    fn is_wanted(self) -> bool {
        match self {
            ServerState::Ready | ServerState::Down => true,
            ServerState::Draining | ServerState::Maintenance => false,
        }
    }
}

/// Refuses names that HAProxy itself would not take, so that none can smuggle a second command in.
pub(super) fn check_names(doing: &str, names: [&String; 4]) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    match names.into_iter().find(|n| n.is_empty() || !n.chars().all(fits)) {
        None => Ok(()),
        Some(name) => {
            let why = format!("“{name}” is no name of a backend or server: letters, digits, and - _ . : are allowed");
            Err(Error::new(Kind::Invalid, doing, why))
        }
    }
}

/// The side of writes: exactly one of the two servers takes connections and nothing else does.
pub(super) fn writes(
    rows: &[ServerRow],
    side_of: impl Fn(&ServerRow) -> Option<Side>,
    warnings: &mut Vec<String>,
) -> Option<Side> {
    let mut side = None;
    let mut clear = true;
    for row in rows {
        match (side_of(row), row.state) {
            (_, ServerState::Maintenance) => {}
            (None, state) => {
                clear = false;
                warnings.push(format!("{}/{} is {}, so writes may go there too", row.backend, row.name, state.word()));
            }
            (Some(_), ServerState::Draining) => {
                clear = false;
                warnings.push(format!("{}/{} is draining: its sessions still write there", row.backend, row.name));
            }
            (Some(this), ServerState::Ready | ServerState::Down) => {
                if side.is_some() {
                    clear = false;
                    warnings.push(format!("both servers of {} take writes", row.backend));
                }
                side = Some(this);
            }
        }
    }
    if side.is_none() {
        warnings.push("no server takes writes".to_owned());
    }
    down(rows, warnings);
    side.filter(|_| clear)
}

/// Percent of reads on the target, from the weights of the servers that take connections.
pub(super) fn reads(
    rows: &[ServerRow],
    side_of: impl Fn(&ServerRow) -> Option<Side>,
    warnings: &mut Vec<String>,
) -> Option<u8> {
    let (mut source, mut target, mut clear) = (0, 0, true);
    for row in rows.iter().filter(|r| r.weight > 0) {
        match (side_of(row), row.state.is_wanted()) {
            (Some(Side::Source), true) => source += row.weight,
            (Some(Side::Target), true) => target += row.weight,
            (Some(_), false) => {
                let (backend, name, weight) = (&row.backend, &row.name, row.weight);
                warnings.push(format!("{backend}/{name} is {}, so its weight {weight} is idle", row.state.word()));
            }
            (None, true) => {
                clear = false;
                warnings.push(format!("{}/{} also gets reads (weight {})", row.backend, row.name, row.weight));
            }
            (None, false) => {}
        }
    }
    down(&rows.iter().filter(|r| r.weight > 0).cloned().collect::<Vec<_>>(), warnings);
    let all = source + target;
    if all == 0 {
        warnings.push("no server takes reads".to_owned());
        return None;
    }
    if (100 * target) % all != 0 {
        warnings.push(format!("weights {source} and {target} are no whole percentage"));
    }
    let nearest = (100 * target + all / 2) / all;
    // What gets any reads at all must not look like none, nor the other way round.
    let percent = if target > 0 && source > 0 { nearest.clamp(1, 99) } else { nearest };
    u8::try_from(percent).ok().filter(|_| clear)
}

fn down(rows: &[ServerRow], warnings: &mut Vec<String>) {
    for row in rows.iter().filter(|r| r.state == ServerState::Down) {
        warnings.push(format!("{}/{} is DOWN", row.backend, row.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, state: ServerState, weight: u32) -> ServerRow {
        let backend = "be".to_owned();
        ServerRow { backend, name: name.to_owned(), address: String::new(), host_name: None, port: 1, state, weight }
    }

    fn side(r: &ServerRow) -> Option<Side> {
        match r.name.as_str() {
            "s" => Some(Side::Source),
            "t" => Some(Side::Target),
            _ => None,
        }
    }

    fn written(rows: &[ServerRow]) -> (Option<Side>, Vec<String>) {
        let mut w = Vec::new();
        (writes(rows, side, &mut w), w)
    }

    fn read(rows: &[ServerRow]) -> (Option<u8>, Vec<String>) {
        let mut w = Vec::new();
        (reads(rows, side, &mut w), w)
    }

    use ServerState::{Down, Draining, Maintenance, Ready};

    #[test]
    fn writes_have_one_side_or_none() {
        assert_eq!(written(&[row("s", Ready, 1), row("t", Maintenance, 1)]), (Some(Side::Source), vec![]));
        for rows in [
            [row("s", Ready, 1), row("t", Ready, 1)],
            [row("s", Maintenance, 1), row("t", Maintenance, 1)],
            [row("s", Ready, 1), row("t", Draining, 1)],
        ] {
            let (seen, warnings) = written(&rows);
            assert_eq!(seen, None, "an unclear state must not be told as a side: {rows:?}");
            assert_eq!(warnings.len(), 1, "and it must be said: {warnings:?}");
        }
    }

    #[test]
    fn a_third_server_makes_the_side_unclear() {
        let (seen, warnings) = written(&[row("s", Ready, 1), row("t", Maintenance, 1), row("old", Ready, 1)]);
        assert_eq!(seen, None, "writes would be split between two databases");
        assert!(warnings[0].contains("old"), "the sentence names it: {warnings:?}");
    }

    #[test]
    fn a_server_that_is_down_is_still_where_writes_are_pointed() {
        let (seen, warnings) = written(&[row("s", Down, 1), row("t", Maintenance, 1)]);
        assert_eq!((seen, warnings), (Some(Side::Source), vec!["be/s is DOWN".to_owned()]));
    }

    #[test]
    fn every_rung_reads_back_exactly() {
        for percent in 0..=100u32 {
            let rows = [row("s", Ready, 100 - percent), row("t", Ready, percent)];
            assert_eq!(read(&rows), (Some(percent as u8), vec![]), "weights that add up to 100 are percentages");
        }
    }

    #[test]
    fn odd_weights_give_the_nearest_and_say_so() {
        let (seen, warnings) = read(&[row("s", Ready, 2), row("t", Ready, 1)]);
        assert_eq!((seen, warnings.len()), (Some(33), 1));
        let (seen, _) = read(&[row("s", Ready, 256), row("t", Ready, 1)]);
        assert_eq!(seen, Some(1), "a trickle must not look like nothing");
    }

    #[test]
    fn an_idle_weight_does_not_count() {
        let (seen, warnings) = read(&[row("s", Ready, 50), row("t", Maintenance, 50)]);
        assert_eq!(seen, Some(0), "all reads are on the source, whatever the weight says");
        assert!(warnings[0].contains("in maintenance"), "{warnings:?}");
        assert_eq!(read(&[row("s", Ready, 0), row("t", Ready, 0)]).0, None, "nobody gets reads");
    }

    #[test]
    fn no_name_can_hold_a_second_command() {
        let ok = "rw_1.x:y-z".to_owned();
        assert!(check_names("x", [&ok, &ok, &ok, &ok]).is_ok());
        for bad in ["", "a b", "a;show info", "a/b", "a\nb", "ä"] {
            let bad = bad.to_owned();
            assert_eq!(check_names("x", [&ok, &bad, &ok, &ok]).unwrap_err().kind, Kind::Invalid, "{bad:?}");
        }
    }
}
