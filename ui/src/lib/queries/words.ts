import type { FigureUnit } from "../api/generated/FigureUnit";
import type { MetricStands } from "../api/generated/MetricStands";
import type { PlanDifference } from "../api/generated/PlanDifference";
import type { PlanNode } from "../api/generated/PlanNode";
import type { QuerySourceState } from "../api/generated/QuerySourceState";
import type { ShadowClass } from "../api/generated/ShadowClass";
import type { SourceFigure } from "../api/generated/SourceFigure";
import type { StatementCalled } from "../api/generated/StatementCalled";
import { bytes, int, readMs } from "../format";

/** What is said of a statement; the mark goes with the word, never alone. */
export const CALLED: Record<StatementCalled, { mark: string; word: string; tone: "good" | "warn" | "bad" | "none" }> = {
  fine: { mark: "✓", word: "not slower", tone: "good" },
  slower: { mark: "✕", word: "slower", tone: "bad" },
  tail: { mark: "✕", word: "slow tail: another plan", tone: "bad" },
  few: { mark: "○", word: "few calls", tone: "none" },
  only_source: { mark: "○", word: "only on the source", tone: "none" },
  only_target: { mark: "○", word: "only on the target", tone: "none" },
};

/** Where a metric of the application stands; the mark goes with the word. */
export const STANDS: Record<MetricStands, { mark: string; word: string; tone: "good" | "warn" | "bad" | "none" }> = {
  within: { mark: "✓", word: "within its limit", tone: "good" },
  waits: { mark: "◷", word: "within, not for long enough", tone: "warn" },
  wrong: { mark: "✕", word: "beyond its limit", tone: "bad" },
  unknown: { mark: "○", word: "not known", tone: "none" },
};

/** What a difference of two results is called. */
export const SHADOW_CLASSES: Record<ShadowClass, string> = {
  value: "Other values",
  missing: "Rows are missing on the target",
  extra: "The target has more rows",
  columns: "Other columns",
  target_fails: "Fails on the target",
  source_fails: "Fails on the source",
  collation: "Collation",
  order: "Order, left open",
  float: "Floats, within what adding costs",
};

export const DIFFERENCES: Record<PlanDifference, string> = {
  only_source: "only the source has it",
  only_target: "only the target has it",
  kind: "another node",
  index: "another index",
  rows: "rows expected differ ten times",
  blocks: "blocks read differ ten times",
};

/** A node in words, without its depth. */
export function nodeText(node: PlanNode): string {
  const on = node.table === "" ? "" : ` on ${node.table}`;
  const by = node.index === "" ? "" : ` by ${node.index}`;
  return `${node.kind}${on}${by}`;
}

/** What a node costs. */
export function nodeFigures(node: PlanNode): string {
  const rows = node.actual_rows === null ? `${int(node.rows)} rows expected` : `${int(node.actual_rows)} rows of ${int(node.rows)} expected`;
  const blocks = node.blocks === null ? "" : `, ${int(node.blocks)} blocks`;
  const ms = node.ms === null ? "" : `, ${readMs(node.ms)}`;
  return rows + blocks + ms;
}

export function ratioText(ratio: number | null): string {
  if (ratio === null) return "—";
  return ratio < 100 ? `${ratio.toFixed(1)} ×` : `${int(ratio)} ×`;
}

/** A share of runs: enough decimals to tell it from nothing. */
export function rateText(rate: number): string {
  const percent = rate * 100;
  return `${percent.toFixed(percent < 1 ? 3 : 1)} %`;
}

/** How a source stands. */
export const SOURCE_STATES: Record<QuerySourceState, { mark: string; word: string; tone: "good" | "warn" | "bad" | "none" }> = {
  usable: { mark: "✓", word: "usable", tone: "good" },
  partly: { mark: "!", word: "partly usable", tone: "warn" },
  unusable: { mark: "✕", word: "not usable", tone: "bad" },
  unknown: { mark: "○", word: "not known", tone: "none" },
};

const AMOUNTS: Record<FigureUnit, (value: number) => string> = {
  count: (value) => int(value),
  per_s: (value) => `${value === 0 || value >= 100 ? int(value) : value.toFixed(1)} /s`,
  bytes: (value) => bytes(value),
  bytes_per_s: (value) => `${bytes(value)} /s`,
  ms: (value) => readMs(value),
  s: (value) => `${int(value)} s`,
};

/** What a source says, with its units; a rate and the sum that it is of stand together. */
export function figureTexts(figures: SourceFigure[]): string[] {
  const texts: string[] = [];
  figures.forEach((figure, at) => {
    const before = figures[at - 1];
    const amount = AMOUNTS[figure.unit](figure.value);
    if (before?.name !== figure.name) texts.push(`${figure.name} ${amount}`);
    else if (figure.value !== 0) texts[texts.length - 1] += `, ${amount} in all`;
  });
  return texts;
}
