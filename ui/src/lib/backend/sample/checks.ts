import type { Check } from "../../api/generated/Check";
import type { Phase } from "../../api/generated/Phase";
import type { PhaseCard } from "../../api/generated/PhaseCard";
import { PHASE_ORDER } from "../../parts/words";
import type { Scenario } from "./scenarios";

const TITLES: Record<Phase, string> = {
  schema_analysis: "Schema analysis",
  compatibility_layer: "Compatibility layer",
  dual_write: "Dual write",
  validation: "Validation",
  traffic_cutover: "Traffic cutover",
  cleanup: "Cleanup",
};

const PASSES: Record<Phase, [id: string, title: string, evidence: string][]> = {
  schema_analysis: [
    ["source.version", "The source's version can publish", "PostgreSQL 15.20"],
    ["target.version", "The target's version can subscribe", "PostgreSQL 18.4"],
    ["source.wal_level", "wal_level is logical on the source", "logical"],
    ["source.slots", "The source has free replication slots", "7 of 10 free, 1 needed"],
    ["source.senders", "The source has free WAL senders", "9 of 10 free"],
    ["source.privileges", "The role may create publications on the source", "owner of 212 tables"],
    ["tables.identity", "Each table has a replica identity", "212 of 212"],
    ["target.extensions", "Each extension exists on the target", "pgcrypto, pg_trgm"],
    ["source.large_objects", "There are no large objects", "0"],
    ["target.empty", "The target is empty or equal", "0 tables of the application"],
  ],
  compatibility_layer: [
    ["schema.restored", "The target's schema is the source's", "212 tables, 40 sequences, 3 views"],
    ["schema.deferred", "Indexes and constraints wait for the copy", "688 held back"],
    ["routers.found", "Each router answers", "2 PgBouncers, 1 HAProxy"],
    ["routers.read_back", "The route is read back", "0 % of reads, writes on source"],
  ],
  dual_write: [
    ["copy.done", "The initial copy is over", "2 412 118 007 rows in 212 tables"],
    ["stream.forward", "The stream source → target runs", "slot active, 18 KiB behind"],
    ["stream.back", "The way back runs", "canary back in 0.19 s"],
    ["beat.flows", "The heartbeat arrives each second", "last beat 0.2 s ago"],
  ],
  validation: [
    ["validation.fresh", "Every table was compared in the last 24 h", "212 of 212"],
    ["validation.equal", "No table differs", "0 of 212 differ"],
  ],
  traffic_cutover: [
    ["lag", "Lag is under 1 s for 30 min", "held 41:12"],
    ["consistency", "A full validation passed in the last 24 h", "0 of 2 412 118 007 rows differ"],
    ["sequences", "Sequences can be advanced on the target", "40 of 40"],
    ["way_back", "A canary comes back from the target", "0.19 s, limit 5 s"],
    ["cutover.latency", "Read latency p99 within 1.5 × of the source for 10 min", "p99 2.8 ms on the target, 3.1 ms on the source"],
    ["cutover.errors", "Error rate on the target within 0.1 % of the source's, of writes 0.01 %; nothing fails always", "0 of 476 probe reads failed"],
    ["cutover.connections", "10 % of the target's connections stay free after the step", "178 of 197 free"],
    ["cutover.slots", "The servers keep the log that the streams need", "32.0 MiB of 10.0 GiB kept on the source"],
    ["cutover.transactions", "No transaction with locks in scope is older than 30 s", "none holds a lock on a table in scope"],
  ],
  cleanup: [],
};

function pass(phase: Phase, [id, title, evidence]: [string, string, string], at: number): Check {
  return { id, phase, title, verdict: { verdict: "pass", evidence }, at, counts_ms: null, opens_at: null, sign_off: { kind: "computed" } };
}

function open(phase: Phase, id: string, title: string, verdict: Check["verdict"], kind: "computed" | "wanted" = "computed"): Check {
  return { id, phase, title, verdict, at: kind === "computed" && verdict.verdict !== "unknown" ? Date.now() - 2000 : null, counts_ms: null, opens_at: null, sign_off: { kind } };
}

function cutover(s: Scenario, now: number): Check[] {
  const phase = "traffic_cutover";
  return [
    ...PASSES.traffic_cutover.map((c, i) => pass(phase, c, now - 800 - i * 400)),
    open(phase, "drill", "A rollback drill passed on this pair", { verdict: "unknown", missing: "no drill has been run; drills come later" }),
    open(phase, "queries", "Queries are no slower on the target", { verdict: "unknown", missing: "queries are not captured yet" }),
    s.held < 7200 && s.authority === "source"
      ? { ...open(phase, "soak", `${s.reads} % held for 2 h`, { verdict: "fail", why: "1:24:07 left of 2 h", remedy: "Wait: it opens by itself." }), at: null, opens_at: now + 5_047_000 }
      : pass(phase, ["soak", `${s.reads} % held for 2 h`, "held 2:13:20"], now - 900),
    open(phase, "owner_agrees", "The application's owner agrees to move writes", { verdict: "unknown", missing: "a name and a reason" }, "wanted"),
    { ...open(phase, "change_window", "The change window is open", { verdict: "unknown", missing: "" }), sign_off: { kind: "signed", by: "M. Okafor", reason: "CHG-4417, 01:00–04:00", at: now - 3_400_000 } },
    s.authority === "target"
      ? pass(phase, ["writes", "Writes are on the target", "epoch 2"], now - 900)
      : open(phase, "writes", "Writes are on the target", { verdict: "unknown", missing: "comes after 100 % of reads" }),
  ];
}

/** What fails and blocks nothing. */
function mild(phase: Phase, now: number): Check[] {
  const at = now - 61_000;
  const zone = { verdict: "fail", why: "the source is in Europe/Madrid, the target in UTC", remedy: "ALTER DATABASE \"orders\" SET timezone = 'Europe/Madrid', on the target." } as const;
  const statistics = { verdict: "fail", why: "3 of 212 tables were never analyzed on the target: public.orders, public.payments, public.audit_log", remedy: "ANALYZE, on the target." } as const;
  return [
    { ...open(phase, "pair.time_zone", "Both sides have the same time zone", zone), at, severity: "data" },
    { ...open(phase, "target.statistics", "The target's tables are analyzed", statistics), at, severity: "speed" },
  ];
}

function later(phase: Phase): Check[] {
  const wanted: Record<string, string[]> = {
    cleanup: ["The source was receive-only for 7 d", "Nobody reads from the source", "A backup of the target exists"],
  };
  const titles = wanted[phase] ?? PASSES[phase].map(([, title]) => title);
  return titles.map((title, i) => open(phase, `${phase}.${i}`, title, { verdict: "unknown", missing: "not looked at in this phase yet" }));
}

export function phaseCards(s: Scenario, now: number): PhaseCard[] {
  return PHASE_ORDER.map((phase, i) => {
    const state = i < s.phasesDone ? "done" : i === s.phasesDone ? "now" : "later";
    let checks: Check[];
    if (phase === "traffic_cutover" && state !== "later") checks = cutover(s, now);
    else if (phase === "schema_analysis" && state === "done") checks = [...PASSES[phase].map((c, n) => pass(phase, c, now - 60_000 - n * 900)), ...mild(phase, now)];
    else if (state === "done") checks = PASSES[phase].map((c, n) => pass(phase, c, now - 60_000 - n * 900));
    else if (state === "now" && phase === "dual_write") {
      checks = [
        open(phase, "copy.done", "The initial copy is over", { verdict: "fail", why: "84 of 212 tables ready", remedy: "Wait: the Replication page shows the time left per table." }),
        ...PASSES[phase].slice(1).map((c) => pass(phase, c, now - 900)),
      ];
    } else checks = later(phase);
    const passed = checks.filter((c) => c.verdict.verdict === "pass" || c.sign_off.kind === "signed").length;
    return { phase, title: TITLES[phase], passed, total: checks.length, state, checks };
  });
}
