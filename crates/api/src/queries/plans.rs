//! Plans of one statement on both sides.

use switchyard_engine::{
    Result,
    db::{
        Database,
        statements::{Explain, Explained, Index, Made},
    },
    error::{Error, Kind},
};
use switchyard_model::ident::TableName;
use switchyard_queries::{
    damage::Compared,
    plan::{Plan, SideBySide, WholeScan, side_by_side},
    shape::Shape,
};

use super::Sides;
use crate::{Switchyard, dto::*};

impl Switchyard {
    /// Plans of one statement on both sides, side by side.
    pub(crate) async fn queries_plans(&self, args: PlansRequest) -> std::result::Result<PlansView, ApiError> {
        if let Some(text) = &args.text {
            let shape = Shape::of(text);
            if shape.id != args.statement {
                let why = format!("The text is another statement ({}) than {}.", shape.id, args.statement);
                return Err(ApiError::new("invalid", why, "Give the statement's own text with values in it."));
            }
        }
        let (_, pair, _) = self.sides_of(&args.migration).await?;
        let statement = match &args.text {
            // With its text nobody has to know it.
            Some(text) => self.statement(&pair, &args.statement).await.or_else(|_| Ok::<_, ApiError>(unknown(text)))?,
            None => self.statement(&pair, &args.statement).await?,
        };
        let both = plans_of(&pair, &statement, args.text.as_deref(), args.run).await?;
        let sentences = both.sentences();
        Ok(PlansView {
            statement: statement.shape,
            source: both.source,
            target: both.target,
            lines: both.laid.lines,
            whole_scans: both.laid.whole_scans,
            sentences,
            missing: both.missing,
        })
    }
}

/// Both plans, and what follows from them.
pub(super) struct Both {
    source: SidePlan,
    target: SidePlan,
    pub(super) laid: SideBySide,
    pub(super) missing: Vec<MissingIndex>,
    /// Of whole scans whose index is not simply missing.
    why: Vec<String>,
}

impl Both {
    pub(super) fn sentences(&self) -> Vec<String> {
        let missing = self.missing.iter().map(|i| format!("The target lacks the index {} of {}.", i.name, i.table));
        missing.chain(self.why.iter().cloned()).chain(self.laid.sentences.iter().cloned()).collect()
    }
}

pub(super) async fn plans_of(pair: &Sides, statement: &Compared, text: Option<&str>, run: bool) -> Result<Both> {
    let what = Explain { text: text.unwrap_or(&statement.text), role: &statement.role, run };
    let (here, there) = tokio::try_join!(pair.source.statements.explain(what), pair.target.statements.explain(what))?;
    let (source, target) = (plan(&pair.source, &here)?, plan(&pair.target, &there)?);
    let laid = side_by_side(&source, &target);
    let (mut missing, mut why) = (Vec::new(), Vec::new());
    for scan in &laid.whole_scans {
        match lacking(pair, scan).await? {
            Ok(index) => missing.push(index),
            Err(sentence) => why.push(sentence),
        }
    }
    let side = |db: &Database, explained: Explained, plan: &Plan| SidePlan {
        name: db.label.clone(),
        made: made(&explained),
        execution_ms: plan.execution_ms,
    };
    Ok(Both {
        source: side(&pair.source, here, &source),
        target: side(&pair.target, there, &target),
        laid,
        missing,
        why,
    })
}

fn plan(db: &Database, explained: &Explained) -> Result<Plan> {
    Plan::read(&explained.json)
        .map_err(|why| Error::new(Kind::Unsuitable, format!("explaining a statement on {}", db.label), why))
}

fn made(explained: &Explained) -> String {
    let made = match explained.made {
        Made::Run => "It was run, read-only, and rolled back.",
        Made::Planned => "It was planned with its values.",
        Made::Generic => "It was planned for any values.",
    };
    match &explained.not_run {
        Some(why) => format!("{made} {why}"),
        None => made.to_owned(),
    }
}

/// Whether the target lacks the index of the source; else a sentence why it reads the whole table all the same.
async fn lacking(pair: &Sides, scan: &WholeScan) -> Result<std::result::Result<MissingIndex, String>> {
    let table = TableName::new(scan.schema.clone(), scan.table.clone());
    let (source, target) =
        tokio::try_join!(pair.source.statements.indexes(&table), pair.target.statements.indexes(&table))?;
    let of = |all: Option<Vec<Index>>| all.unwrap_or_default();
    let (source, target) = (of(source), of(target));
    let Some(index) = source.into_iter().find(|i| i.definition.name == scan.index) else {
        return Ok(Err(format!("The source no longer has the index {}.", scan.index)));
    };
    let like = target.iter().find(|i| i.definition.is_like(&index.definition));
    Ok(match (like, &index.constraint) {
        (Some(there), _) if there.is_valid => Err(format!(
            "The target has the index {} and does not use it: its statistics may be missing or old, run ANALYZE {} there.",
            there.definition.name, table
        )),
        (None, Some(constraint)) => Err(format!(
            "The index {} is that of the constraint {constraint}, which the target lacks: add the constraint there; “schema diff” \
             has the statement.",
            scan.index
        )),
        (None, None) if index.definition.is_partitioned() => Err(format!(
            "The index {} is one of a partitioned table, which cannot be made without keeping writers out: make it on each partition \
             first.",
            scan.index
        )),
        (Some(_), _) | (None, None) => Ok(MissingIndex {
            schema: table.schema,
            table: table.name,
            name: index.definition.name.clone(),
            run: index.definition.statement(),
        }),
    })
}

/// A statement that neither server has counted.
fn unknown(text: &str) -> Compared {
    Compared {
        shape: Shape::of(text),
        text: text.to_owned(),
        role: String::new(),
        source: None,
        target: None,
        ratio: None,
        damage_ms: 0.0,
        called: switchyard_queries::damage::Called::Few,
    }
}
