import type { HeldCard } from "../../api/generated/HeldCard";
import type { Judged } from "../../api/generated/Judged";
import type { Limits } from "../../api/generated/Limits";
import type { Verdict } from "../../api/generated/Verdict";
import { duration, lagText, span } from "../../format";
import { lagAt } from "./chart";
import type { Scenario } from "./scenarios";
import { longTransactions } from "./transactions";

interface Asked {
  s: Scenario;
  limits: Limits;
  window: HeldCard | null;
  /** Seconds since the route or the authority last moved. */
  held: number;
  overridden: ReadonlyMap<string, string>;
  now: number;
}

interface Looked {
  /** Age of the facts, ms; null where the journal alone answers. */
  age: number | null;
  counts_ms: number | null;
  opens_at?: number;
}

/** The gates of the next command, as an engine would judge them. */
export function gatesOf(asked: Asked): Judged[] {
  const { s, limits, held, now } = asked;
  if (s.phasesDone < 4 || s.phasesDone > 5) return [];
  const gate = (name: string, title: string, verdict: Verdict, looked: Looked): Judged => ({
    gate: name,
    title,
    opens_at: looked.opens_at ?? null,
    at: looked.age === null ? null : now - looked.age,
    counts_ms: looked.counts_ms,
    overridden_by: asked.overridden.get(name) ?? null,
    ...verdict,
  });
  const waits = (name: string, title: string, needed: number, passed: string, remedy: string): Judged => {
    const left = needed - held;
    const none = { age: null, counts_ms: null };
    if (left <= 0) return gate(name, title, { verdict: "pass", evidence: passed }, none);
    const why = `${duration(left)} left of ${span(needed)}`;
    return gate(name, title, { verdict: "fail", why, remedy }, { ...none, opens_at: now + left * 1000 });
  };
  if (s.authority === "target") {
    return [waits("receive_only", "Receive-only", limits.receive_only_s, "the source has been receive-only for 8 d", "Wait: until then the way back stays open.")];
  }
  const live = { age: 700 + s.silent * 1000, counts_ms: 3_500 };
  const pass = { age: 620_000, counts_ms: 86_400_000 };
  const soak = limits.ladder.find((r) => r.percent === s.reads)?.soak_s ?? 0;
  const window = asked.window;
  const hold: Verdict =
    window === null
      ? { verdict: "fail", why: "the source accepts writes", remedy: "Run “Hold writes” first." }
      : { verdict: "pass", evidence: `writes refused on the source for ${duration(window.seconds)}, ${window.overdue ? "longer than the limit of" : "limit"} ${span(window.limit_s)}` };
  return [
    ...(s.window === null ? [] : [gate("hold", "Hold", hold, { age: 900, counts_ms: 10_000 })]),
    gate("lag", "Lag", s.broken ? { verdict: "fail", why: "14.20 s, limit 1 s", remedy: "Wait for the target to catch up, or find what slows its apply worker." } : { verdict: "pass", evidence: `${lagText(lagAt(now))}, limit 1 s, held 41:12` }, live),
    s.validated === "differs"
      ? gate("consistency", "Consistency", { verdict: "fail", why: "1 of 13 tables differ", remedy: "Open the Consistency page, mend the tables that differ, and validate again." }, pass)
      : gate("consistency", "Consistency", { verdict: "pass", evidence: "2 421 443 006 rows in 13 tables equal" }, pass),
    gate("schema", "Schema", { verdict: "pass", evidence: "13 tables as they were when replication began, or changed alike" }, { age: 3_100, counts_ms: 30_000 }),
    s.sourceProblem !== null
      ? gate("way_back", "Way back", { verdict: "unknown", missing: "last canary measured 1:34 ago" }, { age: 94_000, counts_ms: 5_000 })
      : gate("way_back", "Way back", { verdict: "pass", evidence: "back in 0.190 s, limit 5 s" }, { ...live, counts_ms: 5_000 }),
    gate("read_back", "Route", { verdict: "pass", evidence: `${s.reads} % of reads on target, writes on source` }, { age: 900, counts_ms: 10_000 }),
    gate("latency", "Read latency", { verdict: "pass", evidence: "p99 2.8 ms on the target, 3.1 ms on the source, 476 reads each, held 25 min" }, { age: 800 + s.silent * 1000, counts_ms: 10_000 }),
    gate("errors", "Errors", { verdict: "pass", evidence: "0 of 476 probe reads, 2 of 18 204 transactions failed in the last minute" }, { age: 1_700 + s.silent * 1000, counts_ms: 10_000 }),
    gate("connections", "Connections", { verdict: "pass", evidence: "178 of 197 free on the target, about 36 to come from the source" }, { age: 1_300 + s.silent * 1000, counts_ms: 10_000 }),
    gate("slots", "Slots", { verdict: "pass", evidence: "32.0 MiB of 10.0 GiB kept on the source, 16.0 MiB of 10.0 GiB kept on the target" }, { age: 1_300 + s.silent * 1000, counts_ms: 10_000 }),
    ...(s.reads === 100 || s.window !== null
      ? [gate("transactions", "Long transactions", longTransactions(s), { age: 1_100 + s.silent * 1000, counts_ms: 10_000 })]
      : []),
    s.broken
      ? gate("soak", "Soak", { verdict: "fail", why: "broken at 2026-11-24 01:12:40Z by Lag: 14.20 s, limit 1 s", remedy: "It begins anew once that is well again; or go back a rung." }, { age: null, counts_ms: null })
      : waits("soak", "Soak", soak, `${s.reads} % held ${duration(held)}, needed ${span(soak)}`, "Wait: it opens by itself."),
  ];
}
