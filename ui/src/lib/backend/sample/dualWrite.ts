import type { DualWriteRequest } from "../../api/generated/DualWriteRequest";
import type { DualWriteView } from "../../api/generated/DualWriteView";
import type { Percentiles } from "../../api/generated/Percentiles";
import type { Scenario } from "./scenarios";

const figures = (p50_ms: number, p95_ms: number, p99_ms: number, samples: number, workload_ms: number): Percentiles => ({ p50_ms, p95_ms, p99_ms, samples, workload_ms });
const BEFORE = figures(0.2, 0.31, 0.44, 180, 0.52);

/** Invented: it was on once, and fell back when the target was away. */
export class SampleDualWrite {
  #open: DualWriteView["open"] = null;

  constructor(readonly s: Scenario) {}

  view(): DualWriteView {
    const now = Date.now();
    const was = this.s.phasesDone >= 4;
    if (this.#open?.since != null) this.#open.now = { at: now - 300, counts_ms: 4_000, during: figures(0.43, 0.66, 0.91, 600, 0.78), waiting: 1, others_waiting: 0, not_yet: 3 };
    return {
      open: this.#open,
      last: was
        ? {
            id: 41,
            asked: now - 7_300_000,
            by: "ann@ops-laptop (4711)",
            order: { scope: { scope: "role", role: "app" }, budget_us: 3_000 },
            began: [now - 7_299_000, BEFORE, { names: null, changes_server: true, server: null, scope: null }],
            stands: [now - 7_296_000, "2026-11-28 12:00:00+00"],
            off_asked: null,
            ended: [now - 3_600_000, { cause: "target_away", why: "A write has been waiting for the target for 1.012 s.", during: figures(0.43, 0.66, 0.9, 600, 0.8), freed_ms: 31.2 }],
            after: figures(0.2, 0.3, 0.42, 95, 0.51),
          }
        : null,
      openings: was ? [{ cause: "target_away", title: "target away", count: 1 }] : [],
      why_not: this.s.phasesDone < 3 ? "The copy has not been completed yet: run “Start replication” first." : this.s.authority === "target" ? "Writes are on the target; commits wait for the other side only while the source has the authority." : null,
      budget_us: 3_000,
      statements_role: statements('ROLE "{ROLE}" IN DATABASE "orders"'),
      statements_database: statements('DATABASE "orders"'),
      free_command: 'psql "host=orders-eu port=5432 user=switchyard dbname=orders" -c "ALTER SYSTEM RESET synchronous_standby_names" -c "SELECT pg_reload_conf()"',
    };
  }

  on(request: DualWriteRequest) {
    const order = { scope: request.scope, budget_us: request.budget_us ?? 3_000 };
    const whose = request.scope.scope === "role" ? `role ${request.scope.role}` : "the database";
    this.#open = { dual: 42, whose, by: "ann@ops-laptop (4711)", since: Date.now(), budget_ms: order.budget_us / 1000, before: BEFORE, now: null };
    return { dual: 42, order };
  }

  off() {
    this.#open = null;
    return {};
  }
}

const statements = (whose: string) => [
  "ALTER SYSTEM SET synchronous_commit = 'local'",
  "SELECT pg_catalog.pg_reload_conf()",
  `ALTER SYSTEM SET synchronous_standby_names = '"switchyard_orders_from_source"'`,
  "SELECT pg_catalog.pg_reload_conf()",
  `ALTER ${whose} SET synchronous_commit = 'remote_apply'`,
];
