import type { AcceptedEntry } from "../../api/generated/AcceptedEntry";
import type { Difference } from "../../api/generated/Difference";
import type { SchemaView } from "../../api/generated/SchemaView";
import type { Scenario } from "./scenarios";

const FEW: Difference[] = [
  {
    object: "public.invoices.total",
    kind: "column",
    status: "differs",
    what: "type",
    source: "numeric(12,2)",
    target: "numeric(10,2)",
    severity: "blocks",
    why: "A value that fits on the source is refused on the target, and the stream stops on it.",
    sql: 'ALTER TABLE "public"."invoices" ALTER COLUMN "total" TYPE numeric(12,2)',
  },
  {
    object: "public.orders.orders_customer_idx",
    kind: "index",
    status: "missing",
    what: "missing",
    source: "CREATE INDEX orders_customer_idx ON public.orders USING btree (customer_id)",
    target: null,
    severity: "speed",
    why: "Queries that use it on the source read the whole table on the target.",
    sql: "CREATE INDEX orders_customer_idx ON public.orders USING btree (customer_id)",
  },
  {
    object: "stock.moves",
    kind: "table",
    status: "differs",
    what: "comment",
    source: "every movement, never deleted",
    target: null,
    severity: "cosmetic",
    why: "Only people read comments.",
    sql: "COMMENT ON TABLE \"stock\".\"moves\" IS 'every movement, never deleted'",
  },
];

/** Whether an entry is about this difference with these values. */
function covers(entry: AcceptedEntry, d: Difference): boolean {
  return entry.object === d.object && entry.kind === d.kind && entry.what === d.what && (entry.source ?? null) === d.source && (entry.target ?? null) === d.target;
}

/** Invented schemas, of which one can accept differences. */
export class SampleSchema {
  accepted: AcceptedEntry[] = [];

  constructor(readonly s: Scenario) {
    const comment = FEW[2];
    if (s.compared === "differs" && s.authority === "target" && comment !== undefined) {
      this.accepted = [
        { object: comment.object, kind: comment.kind, what: comment.what, source: comment.source, reason: "The comment is wrong since the archive was split off; nobody misses it.", by: "Ann Ortiz" },
        { object: "public.orders.note", kind: "column", what: "default", source: "''", reason: "Was to go with release 41.", by: "Ann Ortiz" },
      ];
    }
  }

  takeBack(entry: AcceptedEntry): void {
    this.accepted = this.accepted.filter((a) => JSON.stringify([a.object, a.what, a.source, a.target]) !== JSON.stringify([entry.object, entry.what, entry.source, entry.target]));
  }

  view(): SchemaView {
    const { differences, ...rest } = schemaView(this.s.phasesDone);
    const of = (d: Difference) => this.accepted.find((a) => covers(a, d));
    return {
      ...rest,
      differences: differences.filter((d) => of(d) === undefined),
      accepted: differences.flatMap((difference) => {
        const entry = of(difference);
        return entry === undefined ? [] : [{ difference, entry }];
      }),
      idle: this.accepted.filter((a) => !differences.some((d) => covers(a, d))),
    };
  }
}

/** Before the target was made it lacks everything; after it, little. */
export function schemaView(phasesDone: number): SchemaView {
  const many = (i: number): Difference => ({
    object: `public.table_${i}`,
    kind: "table",
    status: "missing",
    what: "missing",
    source: `CREATE TABLE "public"."table_${i}" (…)`,
    target: null,
    severity: "blocks",
    why: "The stream stops on a row of a table that the target has not.",
    sql: `CREATE TABLE "public"."table_${i}" ("id" bigint NOT NULL)`,
  });
  const differences = phasesDone < 2 ? Array.from({ length: 1_500 }, (_, i) => many(i)) : FEW;
  return {
    differences,
    accepted: [],
    idle: [],
    unseen: [{ object: "user mappings", kind: null, why: "Their options are for superusers alone." }],
    equal: phasesDone < 2 ? 3 : 412,
    source: "orders-eu (PostgreSQL 15.20)",
    target: "orders-eu-18 (PostgreSQL 18.4)",
    at: Date.now() - 4_000,
    seconds: 0.31,
  };
}
