import type { DrillKind } from "../../api/generated/DrillKind";
import type { DrillRecord } from "../../api/generated/DrillRecord";
import type { DrillRequest } from "../../api/generated/DrillRequest";
import type { DrillsView } from "../../api/generated/DrillsView";
import type { Failure } from "../../api/generated/Failure";
import type { ScheduleDrills } from "../../api/generated/ScheduleDrills";
import type { Scenario } from "./scenarios";

const KINDS: readonly [Failure, string, string, string][] = [
  ["target_down", "target-down", "Target down", "Whatever the canary asks the target ends its session, as a server that falls over does; the application's sessions are left alone."],
  ["slow_target", "slow-target", "Slow target", "The canary's requests take 250 ms longer on the target; the application's do not."],
  ["target_errors", "target-errors", "Errors from the target", "The canary's requests are answered with an error on the target; the application's are not."],
  ["replication_stopped", "replication-stopped", "Replication stopped", "A lock on the beats keeps the stream from applying anything until the rollback is decided: the lag grows for everybody."],
  ["finding", "finding", "A row differs", "A row is planted in the drill's own ledger on the side without the authority; no table of the application is touched."],
  ["router_unreachable", "router-unreachable", "Router unreachable", "Our connection to the first router is cut for 5 s; the router itself goes on serving."],
  ["operator_killed", "operator-killed", "Operator's process killed", "The process that drives is killed in the middle of the act, and another one takes over."],
];

/** Invented drills: some that passed and one that failed where the scenario is far enough, none before. */
export class SampleDrills {
  #past: DrillRecord[] = [];
  #open: DrillRecord | null = null;
  #plan: DrillsView["plan"] = null;
  #next = 900;

  constructor(readonly s: Scenario) {
    if (s.phasesDone < 4) return;
    const times = [2_310, 1_842, 1_990, 5_730, 1_760, 1_655];
    times.forEach((total, i) => {
      const [failure] = KINDS[i % 5] ?? KINDS[0]!;
      this.#past.unshift(record(100 + i, failure, Date.now() - (times.length - i) * 86_400_000, total, total < 5_000 && !(s.lastRun === "failed" && i === times.length - 1)));
    });
  }

  view(): DrillsView {
    const kinds = KINDS.map(([failure, word, title, what]): DrillKind => ({ failure, word, title, what, goal_ms: failure === "finding" ? 30_000 : 5_000, from_window: failure !== "operator_killed", last: this.#past.find((d) => d.order.failure === failure) ?? null }));
    const early = this.s.phasesDone < 3 ? "The copy has not been completed yet: run “Start replication” first." : null;
    return {
      kinds,
      acts: [
        { act: { act: "reads", percent: 10 }, title: "Shift 10 % of reads, fail, roll back", why_not: early ?? (this.s.reads > 0 ? `${this.s.reads} % of reads are on the target, and a drill of reads would take them back: rehearse before the ladder, or rehearse the writes at its top.` : null) },
        { act: { act: "writes" }, title: "Switch writes, fail, roll back", why_not: early ?? (this.s.reads < 100 ? `Reads are at ${this.s.reads} % on the target; writes move after 100 %.` : null) },
      ],
      past: this.#past,
      open: this.#open,
      progress: this.#open?.began == null ? null : "Drill: “Target down” is on",
      plan: this.#plan,
      due: this.#plan === null ? null : this.#plan.from + this.#plan.every_s * 1_000,
      passed_at: this.#past.find((d) => d.ended?.[1].passed)?.ended?.[0] ?? null,
      max_age_s: 30 * 86_400,
      canary: this.#past.length > 0 ? "canary" : null,
    };
  }

  start(request: DrillRequest) {
    const order = { failure: request.failure, act: request.act, canary: request.canary ?? "", goal_ms: request.goal_ms ?? 5_000 };
    this.#open = { id: this.#next++, asked: Date.now(), by: "ann@laptop (4711)", order, began: Date.now(), ended: null };
    return { drill: this.#open.id, order };
  }

  schedule(args: ScheduleDrills) {
    const d = args.drill;
    this.#plan = args.every_s === null ? null : { every_s: args.every_s, from: Date.now(), order: { failure: d.failure, act: d.act, canary: d.canary ?? "", goal_ms: d.goal_ms ?? 5_000 } };
    return {};
  }
}

function record(id: number, failure: Failure, at: number, total: number, passed: boolean): DrillRecord {
  const order = { failure, act: { act: "reads", percent: 10 } as const, canary: "canary", goal_ms: 5_000 };
  const result = {
    noticed_ms: total * 0.35,
    noticed_by: failure === "replication_stopped" ? "the gate “Lag”: 1.204 s, limit 1 s" : "the canary: 1 of its last 61 reads failed: server closed the connection unexpectedly",
    decided_ms: total * 0.4,
    routed_back_ms: total * 0.92,
    last_request_on_target_ms: total,
    total_ms: total,
    requests: 1_204,
    failed_requests: failure === "target_errors" ? 41 : 3,
    longest_write_ms: 12.4,
    ledger: { acknowledged: 231, uncertain: 0, lost: [], duplicated: [] },
    passed,
    why_not: passed ? [] : [`It took ${(total / 1_000).toFixed(3)} s, and the goal is 5 s.`],
  };
  return { id, asked: at - 9_000, by: "ann@laptop (4711)", order, began: at - 8_000, ended: [at, result] };
}
