import type { Side } from "../../api/generated/Side";

/** Where an invented migration stands. Each scenario exists so that one state of the screen can be looked at. */
export interface Scenario {
  endpoints: boolean;
  migration: boolean;
  /** How many phases are done. */
  phasesDone: number;
  reads: number;
  authority: Side;
  /** Seconds since the route or the authority last moved. */
  held: number;
  validated: "never" | "equal" | "differs";
  /**
   * What the comparison in the background has to show: nothing, all equal and followed, differences of every kind, a full
   * pass, the first one, paused, in trouble; or its state cannot be read: never, or after the first time.
   */
  compared: "no" | "follows" | "differs" | "pass" | "first" | "paused" | "trouble" | "unreadable" | "lost";
  /** Seconds for which writes have been held, where the strategy is offline; null for the live one, and 0 while they go on. */
  window: number | null;
  copying: boolean;
  /** Age at which the picture froze, seconds. */
  frozen: number | null;
  /** For how long the source has not been measured, seconds, although the engine goes on. */
  silent: number;
  down: boolean;
  sourceProblem: string | null;
  lastRun: "none" | "done" | "failed";
  running: boolean;
  passwords: string[];
  keyring: boolean;
  demo: boolean;
  /** Hundreds of tables and the longest names that PostgreSQL allows. */
  many: boolean;
  /** Transactions stand in the way of the fence. */
  blocked: boolean;
  /** A gate has broken the soak of the present rung. */
  broken: boolean;
}

const BASE: Scenario = {
  endpoints: true,
  migration: true,
  phasesDone: 4,
  reads: 10,
  authority: "source",
  held: 2153,
  validated: "equal",
  compared: "follows",
  window: null,
  copying: false,
  frozen: null,
  silent: 0,
  down: false,
  sourceProblem: null,
  lastRun: "done",
  running: false,
  passwords: [],
  keyring: true,
  demo: false,
  many: false,
  blocked: false,
  broken: false,
};

export const SCENARIOS: Record<string, Scenario> = {
  busy: BASE,
  empty: { ...BASE, endpoints: false, migration: false },
  endpoints: { ...BASE, migration: false },
  fresh: { ...BASE, phasesDone: 0, reads: 0, validated: "never", compared: "no", lastRun: "none" },
  copying: { ...BASE, phasesDone: 2, reads: 0, validated: "never", compared: "no", copying: true },
  open: { ...BASE, held: 8000, demo: true },
  offline: { ...BASE, phasesDone: 2, reads: 0, validated: "never", compared: "no", window: 0 },
  window: { ...BASE, phasesDone: 3, reads: 0, validated: "never", compared: "no", window: 1_284 },
  overdue: { ...BASE, phasesDone: 4, reads: 0, window: 9 * 3600 },
  switch: { ...BASE, reads: 100, held: 40_000 },
  blocked: { ...BASE, reads: 100, held: 40_000, blocked: true },
  broken: { ...BASE, held: 900, broken: true },
  differs: { ...BASE, validated: "differs", compared: "differs" },
  differs_back: { ...BASE, reads: 100, authority: "target", held: 5400, compared: "differs" },
  validated: { ...BASE, validated: "differs", compared: "no" },
  pass: { ...BASE, compared: "pass" },
  first: { ...BASE, phasesDone: 3, reads: 0, validated: "never", compared: "first" },
  paused: { ...BASE, compared: "paused" },
  trouble: { ...BASE, compared: "trouble" },
  unreadable: { ...BASE, validated: "never", compared: "unreadable" },
  lost: { ...BASE, compared: "lost" },
  running: { ...BASE, reads: 100, held: 40_000, running: true },
  target: { ...BASE, reads: 100, authority: "target", held: 5400 },
  cleanup: { ...BASE, phasesDone: 5, reads: 100, authority: "target", held: 8 * 86_400 },
  over: { ...BASE, phasesDone: 6, reads: 100, authority: "target", held: 9 * 86_400 },
  many: { ...BASE, validated: "differs", compared: "differs", many: true },
  stale: { ...BASE, frozen: 42 },
  silent: { ...BASE, silent: 25 },
  failed: { ...BASE, lastRun: "failed", sourceProblem: "connection refused at 10.2.0.11:5432" },
  down: { ...BASE, down: true },
  passwords: { ...BASE, passwords: ["orders-eu", "pgbouncer switchyard@pgb-1:6432"], keyring: false },
};

export function scenarioOf(name: string): Scenario {
  return { ...(SCENARIOS[name] ?? BASE) };
}
