import type { ErrorRow } from "../../api/generated/ErrorRow";
import type { LatencyChart } from "../../api/generated/LatencyChart";
import type { LatencyChartRequest } from "../../api/generated/LatencyChartRequest";
import type { MissingIndex } from "../../api/generated/MissingIndex";
import type { PlanNode } from "../../api/generated/PlanNode";
import type { PlansView } from "../../api/generated/PlansView";
import type { QueriesView } from "../../api/generated/QueriesView";
import type { QueryErrorsView } from "../../api/generated/QueryErrorsView";
import type { SideLatency } from "../../api/generated/SideLatency";
import type { StatementRow } from "../../api/generated/StatementRow";
import type { StatementShape } from "../../api/generated/StatementShape";
import type { StatementSide } from "../../api/generated/StatementSide";
import type { StatementSort } from "../../api/generated/StatementSort";
import type { Scenario } from "./scenarios";

const SOURCE = "orders-eu";
const TARGET = "orders-eu-18";

/** The statement whose index the target lacks. */
export const SLOW = "5d0c41e2a7b90f36";

const INDEX: MissingIndex = {
  schema: "public",
  table: "orders",
  name: "orders_customer_id_idx",
  run: 'CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_customer_id_idx" ON public.orders USING btree (customer_id)',
};

const SHAPES: Record<string, StatementShape> = {
  [SLOW]: { id: SLOW, text: "select id, total, state from orders where customer_id = $1 order by id desc limit $2", does: "read", tables: ["orders"] },
  "91f3a0bb62d4c758": { id: "91f3a0bb62d4c758", text: "select total from orders where id = $1", does: "read", tables: ["orders"] },
  "0b77ce5519aa4e20": { id: "0b77ce5519aa4e20", text: "update stock set on_hand = on_hand - $1 where article_id = $2", does: "write", tables: ["stock"] },
  "c2e1840d7f6b3a95": { id: "c2e1840d7f6b3a95", text: "select with_tax(total) from orders where id = $1", does: "read", tables: ["orders"] },
};

/** Invented statements, plans and errors: one statement lacks its index on the target until it is made. */
export class SampleQueries {
  #made = false;

  constructor(readonly s: Scenario) {}

  top(sort: StatementSort): QueriesView {
    const copied = this.s.phasesDone >= 3;
    const at = Date.now();
    const statements = copied ? this.#rows() : [];
    if (sort === "calls") statements.sort((a, b) => (b.source?.calls ?? 0) - (a.source?.calls ?? 0));
    return {
      source: SOURCE,
      target: TARGET,
      from: at - 640_000,
      at,
      statements,
      total: statements.length,
      slower: statements.filter((s) => s.called === "slower").length,
      refused: copied ? [] : [`Statements of ${TARGET} are not known: pg_stat_statements is not installed in its database. Put it into shared_preload_libraries, restart the server, and run CREATE EXTENSION pg_stat_statements there.`],
      notes: ["pg_stat_statements knows means and extremes; percentiles come from probes."],
    };
  }

  #rows(): StatementRow[] {
    const slow = row(SLOW, 8_412, 0.21, this.#made ? 0.2 : 41.8);
    return [{ ...slow, why: this.#made ? null : `The target lacks the index ${INDEX.name} of ${INDEX.table}.` }, row("91f3a0bb62d4c758", 51_377, 0.05, 0.06), row("0b77ce5519aa4e20", 2_210, 0.34, null)];
  }

  plans(id: string): PlansView {
    const shape = SHAPES[id] ?? SHAPES[SLOW]!;
    const seq = id === SLOW && !this.#made;
    const scan = (whole: boolean) => node(1, whole ? "Seq Scan" : "Index Scan", "orders", whole ? "" : INDEX.name, whole ? 118 : 121);
    const limit = node(0, "Limit", "", "", 20);
    return {
      statement: shape,
      source: { name: SOURCE, made: "It was planned for any values.", execution_ms: null },
      target: { name: TARGET, made: "It was planned for any values.", execution_ms: null },
      lines: [
        { source: limit, target: limit, differences: [] },
        { source: scan(false), target: scan(seq), differences: seq ? ["kind", "index"] : [] },
      ],
      whole_scans: seq ? [{ schema: "public", table: "orders", index: INDEX.name }] : [],
      sentences: seq ? [`The target lacks the index ${INDEX.name} of orders.`, `The target reads the whole of orders; the source uses the index ${INDEX.name}.`] : ["Both sides have the same plan."],
      missing: seq ? [INDEX] : [],
    };
  }

  index(id: string, apply: boolean) {
    const plans = this.plans(id);
    const view = { statement: plans.statement, target: TARGET, sentences: plans.sentences };
    if (!apply) return { ...view, missing: plans.missing, made: [] };
    this.#made = true;
    return { ...view, missing: [], made: plans.missing };
  }

  latency(ask: LatencyChartRequest): LatencyChart {
    const to = Date.now();
    const from = to - ask.minutes * 60_000;
    const isRead = ask.what === "reads";
    const copied = this.s.phasesDone >= 3;
    const side = (side: "source" | "target", p50: number): SideLatency => {
      const there = copied && (isRead || side === "source");
      const spread = there ? { p50_ms: p50, p95_ms: p50 * 2.5, p99_ms: p50 * 4 } : null;
      return { side, newest: spread, at: there ? to - 2_000 : null, highest: spread, missing: there ? null : isRead ? "No read was probed in this time: probes run while rows stream and somebody drives." : `Writes are not measured on the ${side}: nobody but the stream writes there.` };
    };
    const y = (ms: number) => ask.height - 22 - ms * 40;
    const line = (ms: number, thick: number) => `<path d="M46 ${y(ms)}H${ask.width - 8}" stroke="currentColor" stroke-width="${thick}"/>`;
    const sides = [side("source", 0.4), side("target", 0.5)];
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${ask.width}" height="${ask.height}">${sides.map((s, i) => (s.newest === null ? "" : line(s.newest.p99_ms, 1.25 + i))).join("")}</svg>`;
    const both = copied && isRead;
    return { svg, sides, ratio: both ? { p50_ms: 1.25, p95_ms: 1.25, p99_ms: 1.25 } : null, within: both ? true : null, worst: both ? { at: to - 240_000, ratio: 2.4 } : null, notes: ["They are taken down each five seconds."], counts_ms: 20_000, from, to };
  }

  errors(): QueryErrorsView {
    const kinds = this.s.phasesDone >= 3 ? [failing()] : [];
    return { target: TARGET, since: Date.now() - 640_000, total: kinds.length * 12, others: 0, kinds, logs: [`${TARGET}: log/postgresql.csv`], notes: [] };
  }
}

function side(calls: number, mean: number): StatementSide {
  return { calls, total_ms: calls * mean, mean_ms: mean, stddev_ms: mean / 3, max_ms: mean * 9, rows: 1, blocks: 4 };
}

function row(id: string, calls: number, source: number, target: number | null): StatementRow {
  const there = target === null ? null : side(calls / 10, target);
  const slower = target !== null && target > source * 2;
  return {
    shape: SHAPES[id] ?? SHAPES[SLOW]!,
    role: "app",
    source: side(calls, source),
    target: there,
    ratio: target === null ? null : target / source,
    damage_ms: target === null ? 0 : Math.max(0, target - source) * calls * 1.1,
    percentiles: { source: null, target: null },
    called: target === null ? "only_source" : slower ? "slower" : "fine",
    why: null,
  };
}

function node(depth: number, kind: string, table: string, index: string, rows: number): PlanNode {
  return { depth, kind, schema: table === "" ? "" : "public", table, index, condition: "", rows, actual_rows: null, ms: null, blocks: null, cost: 100 };
}

function failing(): ErrorRow {
  return {
    statement: SHAPES["c2e1840d7f6b3a95"]!,
    table: "orders",
    application: "shop-web",
    class: "42",
    class_name: "syntax or access",
    states: { "42883": 12 },
    count: 12,
    calls: 0,
    rate: 1,
    always: true,
    is_over: true,
    first: Date.now() - 600_000,
    last: Date.now() - 4_000,
    example: "function with_tax(integer) does not exist",
    on_source: 0,
  };
}
