//! Plans of one statement on both sides, laid side by side.
//!
//! Owns which nodes belong together, what differs between them, and what a scan that reads a whole table instead of an index
//! says: the index that the source used.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// Nodes of a plan that are looked at.
const MOST_NODES: usize = 400;

/// How deep a plan is followed.
const DEEPEST: u32 = 100;

/// Estimates or reads that differ by this factor are marked.
const FACTOR: f64 = 10.0;

/// Blocks below which a difference is none.
const FEW_BLOCKS: f64 = 50.0;

/// A node of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "PlanNode")]
pub struct Node {
    /// How deep it lies; the root is 0.
    pub depth: u32,
    /// Its type, as the server names it.
    pub kind: String,
    /// Schema of its table; empty where the plan does not say.
    pub schema: String,
    /// Its table; empty for none.
    pub table: String,
    /// Its index; empty for none. A bitmap scan of a heap has those of the scans below it.
    pub index: String,
    /// What it filters, joins or looks up by; empty for nothing.
    pub condition: String,
    /// Rows that the planner expects.
    pub rows: f64,
    /// Rows that came, over all loops; None when it was not run.
    pub actual_rows: Option<f64>,
    /// Time until its last row, over all loops, ms; None when it was not run.
    pub ms: Option<f64>,
    /// Blocks that it and what lies below it read, in memory or not; None where they were not counted.
    pub blocks: Option<f64>,
    /// What the planner takes it to cost.
    pub cost: f64,
}

impl Node {
    /// `schema.table`, or the table alone.
    pub fn table_name(&self) -> String {
        if self.schema.is_empty() { self.table.clone() } else { format!("{}.{}", self.schema, self.table) }
    }

    fn uses_index(&self) -> bool {
        !self.table.is_empty() && !self.index.is_empty()
    }

    fn reads_all(&self) -> bool {
        self.kind == "Seq Scan"
    }
}

/// A plan as a list of nodes, each before those below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "ExplainedPlan")]
pub struct Plan {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Whether it was run.
    pub was_run: bool,
    /// How long running took, ms.
    pub execution_ms: Option<f64>,
}

impl Plan {
    /// From the answer to `EXPLAIN (FORMAT JSON)`.
    ///
    /// # Errors
    /// A sentence when it is none.
    pub fn read(json: &str) -> Result<Plan, String> {
        let not = |why: &str| format!("The server's plan is not understood: {why}.");
        let all: Value = serde_json::from_str(json).map_err(|e| not(&e.to_string()))?;
        let top = all.get(0).unwrap_or(&all);
        let root = top.get("Plan").ok_or_else(|| not("it has no “Plan”"))?;
        let mut nodes = Vec::new();
        walk(root, 0, &mut nodes);
        let execution_ms = top.get("Execution Time").and_then(Value::as_f64);
        Ok(Plan { was_run: nodes.iter().any(|n| n.actual_rows.is_some()), nodes, execution_ms })
    }
}

fn walk(node: &Value, depth: u32, out: &mut Vec<Node>) {
    if out.len() >= MOST_NODES || depth > DEEPEST {
        return;
    }
    let text = |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |name: &str| node.get(name).and_then(Value::as_f64);
    let loops = number("Actual Loops").unwrap_or(1.0);
    let conditions = ["Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter"];
    let condition: Vec<String> = conditions.iter().map(|c| text(c)).filter(|c| !c.is_empty()).collect();
    let blocks = number("Shared Hit Blocks").zip(number("Shared Read Blocks")).map(|(hit, read)| hit + read);
    let at = out.len();
    out.push(Node {
        depth,
        kind: text("Node Type"),
        schema: text("Schema"),
        table: text("Relation Name"),
        index: text("Index Name"),
        condition: condition.join(" and "),
        rows: number("Plan Rows").unwrap_or_default(),
        actual_rows: number("Actual Rows").map(|r| r * loops),
        ms: number("Actual Total Time").map(|t| t * loops),
        blocks,
        cost: number("Total Cost").unwrap_or_default(),
    });
    for below in node.get("Plans").and_then(Value::as_array).into_iter().flatten() {
        walk(below, depth + 1, out);
    }
    if out[at].kind == "Bitmap Heap Scan" {
        let below = out[at + 1..].iter().filter(|n| n.kind == "Bitmap Index Scan").map(|n| n.index.clone());
        out[at].index = below.collect::<Vec<_>>().join(", ");
    }
}

/// What differs between two nodes that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "PlanDifference")]
pub enum Difference {
    /// The source has it alone.
    OnlySource,
    /// The target has it alone.
    OnlyTarget,
    /// Another type of node.
    Kind,
    /// Another index.
    Index,
    /// Estimates of rows differ ten times.
    Rows,
    /// Blocks read differ ten times.
    Blocks,
}

/// Two nodes that belong together, or one alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "PlanLine")]
pub struct Line {
    /// The source's.
    pub source: Option<Node>,
    /// The target's.
    pub target: Option<Node>,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// A table that the source reads by an index and the target as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WholeScan {
    /// Schema; empty where the plan does not say.
    pub schema: String,
    /// Table.
    pub table: String,
    /// The index that the source uses, in its schema.
    pub index: String,
}

/// Both plans, side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "PlansSideBySide")]
pub struct SideBySide {
    /// Line by line.
    pub lines: Vec<Line>,
    /// Scans of whole tables that the source does not need.
    pub whole_scans: Vec<WholeScan>,
    /// What is to be said, a sentence each.
    pub sentences: Vec<String>,
}

/// Lays two plans side by side.
pub fn side_by_side(source: &Plan, target: &Plan) -> SideBySide {
    let lines: Vec<Line> = aligned(&source.nodes, &target.nodes)
        .into_iter()
        .map(|(s, t)| {
            let (s, t) = (s.map(|i| source.nodes[i].clone()), t.map(|i| target.nodes[i].clone()));
            Line { differences: differences(s.as_ref(), t.as_ref()), source: s, target: t }
        })
        .collect();
    let whole_scans = whole_scans(&source.nodes, &target.nodes);
    let mut sentences: Vec<String> = whole_scans
        .iter()
        .map(|w| format!("The target reads the whole of {}; the source uses the index {}.", w.table, w.index))
        .collect();
    for line in &lines {
        if let (Some(s), Some(t)) = (&line.source, &line.target)
            && line.differences.contains(&Difference::Rows)
            && !s.table.is_empty()
        {
            sentences.push(format!(
                "The target expects {} rows of {} where the source expects {}: its statistics differ, run ANALYZE there.",
                t.rows, t.table, s.rows
            ));
        }
    }
    if sentences.is_empty() && lines.iter().all(|l| l.differences.is_empty()) {
        sentences.push("Both sides have the same plan.".to_owned());
    }
    SideBySide { lines, whole_scans, sentences }
}

fn differences(source: Option<&Node>, target: Option<&Node>) -> Vec<Difference> {
    let (s, t) = match (source, target) {
        (Some(s), Some(t)) => (s, t),
        (Some(_), None) => return vec![Difference::OnlySource],
        (None, Some(_)) | (None, None) => return vec![Difference::OnlyTarget],
    };
    let far = |a: f64, b: f64| a.max(1.0) >= b.max(1.0) * FACTOR || b.max(1.0) >= a.max(1.0) * FACTOR;
    let blocks = s.blocks.zip(t.blocks).is_some_and(|(a, b)| a.max(b) >= FEW_BLOCKS && far(a, b));
    let mut out = Vec::new();
    for (is, what) in [
        (s.kind != t.kind, Difference::Kind),
        (s.index != t.index, Difference::Index),
        (far(s.rows, t.rows), Difference::Rows),
        (blocks, Difference::Blocks),
    ] {
        if is {
            out.push(what);
        }
    }
    out
}

/// How well two nodes fit together; nothing below 1 does.
fn fits(a: &Node, b: &Node) -> i32 {
    let both_scan = !a.table.is_empty() && a.table == b.table;
    let one_scans = a.table.is_empty() != b.table.is_empty();
    match (both_scan, a.kind == b.kind) {
        (true, true) => 6,
        (true, false) => 5,
        (false, _) if one_scans || !a.table.is_empty() => 0,
        (false, true) => 3,
        // Two ways to join belong together.
        (false, false) if is_join(&a.kind) && is_join(&b.kind) => 2,
        (false, false) => 0,
    }
}

fn is_join(kind: &str) -> bool {
    matches!(kind, "Nested Loop" | "Hash Join" | "Merge Join")
}

/// Pairs in order, with the greatest fit in all.
fn aligned(a: &[Node], b: &[Node]) -> Vec<(Option<usize>, Option<usize>)> {
    let width = b.len() + 1;
    // best[i * width + j]: of what begins at i and j.
    let mut best = vec![0_i32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let fit = fits(&a[i], &b[j]);
            let pair = if fit > 0 { fit + best[(i + 1) * width + j + 1] } else { 0 };
            best[i * width + j] = pair.max(best[(i + 1) * width + j]).max(best[i * width + j + 1]);
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        let fit = fits(&a[i], &b[j]);
        if fit > 0 && best[i * width + j] == fit + best[(i + 1) * width + j + 1] {
            out.push((Some(i), Some(j)));
            (i, j) = (i + 1, j + 1);
        } else if best[i * width + j] == best[(i + 1) * width + j] {
            out.push((Some(i), None));
            i += 1;
        } else {
            out.push((None, Some(j)));
            j += 1;
        }
    }
    out.extend((i..a.len()).map(|i| (Some(i), None)));
    out.extend((j..b.len()).map(|j| (None, Some(j))));
    out
}

fn whole_scans(source: &[Node], target: &[Node]) -> Vec<WholeScan> {
    let mut out: Vec<WholeScan> = Vec::new();
    for scan in target.iter().filter(|n| n.reads_all()) {
        // A table that the source reads as a whole as well is read so on purpose.
        if source.iter().any(|s| s.table == scan.table && s.reads_all()) {
            continue;
        }
        for by in source.iter().filter(|s| s.table == scan.table && s.schema == scan.schema && s.uses_index()) {
            for index in by.index.split(", ") {
                let whole =
                    WholeScan { schema: scan.schema.clone(), table: scan.table.clone(), index: index.to_owned() };
                if !out.contains(&whole) {
                    out.push(whole);
                }
            }
        }
    }
    out
}
