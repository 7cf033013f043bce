import type { Cockpit } from "../../api/generated/Cockpit";
import type { Command } from "../../api/generated/Command";
import type { CommandResult } from "../../api/generated/CommandResult";
import type { HeldCard } from "../../api/generated/HeldCard";
import type { Judged } from "../../api/generated/Judged";
import type { LagTile } from "../../api/generated/LagTile";
import type { Measured } from "../../api/generated/Measured";
import type { NextCommand } from "../../api/generated/NextCommand";
import type { Preview } from "../../api/generated/Preview";
import type { RunCard } from "../../api/generated/RunCard";
import type { Stopwatch } from "../../api/generated/Stopwatch";
import type { SwitchCard } from "../../api/generated/SwitchCard";
import { duration, span } from "../../format";
import { PHASE_ORDER } from "../../parts/words";
import { lagAt } from "./chart";
import { phaseCards } from "./checks";
import { SampleConsistency } from "./consistency";
import { gatesOf } from "./gates";
import { copy, limits, LONG_NAME, NAME, validation } from "./data";
import { SampleJournal } from "./journal";
import { planOf, titleOf } from "./plans";
import { readLatency } from "./reads";
import { scenarioOf, type Scenario } from "./scenarios";
import { openTransactions } from "./transactions";

/** Invented steps take longer than real ones, so that a person can see them pass. */
const SLOWER = 60;

/** An invented migration that moves when it is told to. */
export class World {
  readonly s: Scenario;
  readonly journal = new SampleJournal();
  readonly consistency: SampleConsistency;
  readonly began = Date.now();
  limits;
  epoch: number;
  overridden = new Map<string, string>();
  signed = new Map<string, { by: string; reason: string; at: number }>();
  running: RunCard | null = null;
  last: RunCard | null = null;
  forward: SwitchCard | null = null;
  rollback: SwitchCard | null = null;
  readonly results = new Map<number, CommandResult>();
  #ticket = 0;
  #windowSince: number | null = null;

  constructor(
    readonly name: string,
    readonly changed: () => void,
  ) {
    this.s = scenarioOf(name);
    this.consistency = new SampleConsistency(this.s);
    this.limits = limits(this.s.demo);
    if (this.s.window) this.#windowSince = this.began - this.s.window * 1000;
    this.epoch = this.s.authority === "target" ? 2 : 1;
    this.journal.fill(this.began, this.s.phasesDone > 3);
    if (this.s.authority === "target") this.forward = { at: this.began - this.s.held * 1000, stopwatch: this.#stopwatch({ command: "switch_writes" }) };
    if (this.s.lastRun !== "none") this.last = this.#past(this.s.lastRun === "failed");
    if (this.s.running) this.running = this.#frozenSwitch();
  }

  cockpit(): Cockpit {
    const { s } = this;
    const now = s.frozen === null ? Date.now() : this.began - s.frozen * 1000;
    const measured = s.phasesDone >= 2;
    const phase = PHASE_ORDER[Math.min(s.phasesDone, 5)] ?? "cleanup";
    const phases = phaseCards(s, now);
    for (const check of phases.flatMap((p) => p.checks)) {
      const signed = this.signed.get(check.id);
      if (signed !== undefined) check.sign_off = { kind: "signed", ...signed };
    }
    return {
      spec: { name: NAME, strategy: s.window === null ? "live" : "offline", source: "orders-eu", target: "orders-eu-18", routers: [], limits: this.limits },
      left_out: { validation: false, copy: false },
      at: now,
      measured: this.#measured(now),
      headline: this.#headline(),
      source: { endpoint: s.many ? LONG_NAME : "orders-eu", version: "PostgreSQL 15.20", answered_at: now - (s.sourceProblem ? 94_000 : 900) - s.silent * 1000, problem: s.sourceProblem },
      target: { endpoint: s.many ? LONG_NAME.replace("Really", "Target") : "orders-eu-18", version: s.phasesDone === 0 ? null : "PostgreSQL 18.4", answered_at: now - 900, problem: null },
      authority: s.authority,
      authority_since: this.began - s.held * 1000,
      epoch: this.epoch,
      held: this.#window(),
      reads_on_target: s.reads,
      read_back: s.phasesDone === 0 ? null : { at: now - 900, counts_ms: 10_000, agrees: true, says: `${s.reads} % of reads on target, writes on ${s.authority}` },
      phase,
      phases,
      lag: measured ? this.#lag(now, 1000, 0) : null,
      way_back: measured ? this.#lag(now, 5000, 3000) : null,
      write_latency: measured ? { before_ms: 1.84, now_ms: 2.11, p99_ms: 6.4, samples: 1800, at: now - 1100 - s.silent * 1000, counts_ms: 10_000 } : null,
      read_latency: s.phasesDone >= 3 ? readLatency(now - 800 - s.silent * 1000) : null,
      validation: s.validated === "never" ? null : validation(s.validated === "differs", s.many, now),
      copy: measured ? copy(s.copying ? 0.41 : 1, s.many) : null,
      slots: measured
        ? [
            { name: "switchyard_fwd", on: "source", active: true, lag_bytes: 18_204, retained_bytes: 33_554_432, limit_bytes: 10_737_418_240, seconds_to_limit: 912_000, at: now - 1200 - s.silent * 1000, counts_ms: 10_000 },
            { name: "switchyard_back", on: "target", active: s.sourceProblem === null, lag_bytes: 412, retained_bytes: 16_777_216, limit_bytes: null, seconds_to_limit: s.sourceProblem ? 9_120 : null, at: now - 1200, counts_ms: 10_000 },
          ]
        : [],
      dual_write: null,
      ladder: this.#ladder(),
      soak: this.#soak(),
      gates: this.#gates(now),
      next: this.#next(now),
      back: this.#window() !== null ? this.#button({ command: "release" }, "Release writes", true, null, "Writes go on at the source") : s.reads > 0 && s.authority === "source" ? this.#button({ command: "shift_reads", percent: 5 }, "Back to 5 %", true, null) : null,
      rollback: {
        open: this.#canRollBack(),
        why_not: this.#canRollBack() ? null : s.phasesDone >= 6 ? "Cleaned up: there is no way back any more" : "Nothing to roll back: reads and writes are on the source",
        note: this.#windowSince !== null ? "writes go on at the source; nothing has moved" : this.rollback === null ? "never measured on this pair; no drill was run" : `write pause ${this.rollback.stopwatch.write_pause_ms.toFixed(1)} ms at the last rollback`,
      },
      running: this.running,
      last_run: this.last,
      last_forward: this.forward,
      last_rollback: this.rollback,
      health: [
        { name: "source", place: null, figure: "41 of 200 conns", trouble: s.sourceProblem, good: s.sourceProblem === null, at: now - 2000 - s.silent * 1000, counts_ms: 10_000 },
        { name: "target", place: null, figure: "12 of 200 conns", trouble: null, good: true, at: now - 2000, counts_ms: 10_000 },
        { name: "PgBouncer", place: "pgb-1:6432", figure: "380 clients", trouble: null, good: true, at: now - 1000, counts_ms: 10_000 },
        { name: "HAProxy", place: "10.2.0.20:9999", figure: "", trouble: null, good: null, at: null, counts_ms: 10_000 },
      ],
      lease: { mine: true, holder: "ann@ops-laptop (4711)", since: this.began - 4_000_000 },
      limits: this.limits,
      passwords_needed: s.passwords,
    };
  }

  preview(command: Command): Preview {
    const steps = planOf(command, this.s.reads, this.s.authority, this.epoch);
    const back = command.command === "roll_back" || command.command === "validate" || command.command === "repair";
    const gates = back ? [] : this.#gates(Date.now());
    const next = this.#next(Date.now());
    const fenced = command.command === "switch_writes" || command.command === "roll_back" || command.command === "hold";
    const isNext = next !== null && next.command.command === command.command;
    return {
      command,
      title: titleOf(command, this.s.authority),
      summary:
        command.command === "roll_back" && this.s.authority === "target"
          ? "orders-eu-18 holds the authority since 12:31:07 (epoch 2). 1 204 882 writes made there are already on orders-eu; 41 are on their way."
          : "orders-eu holds the authority (epoch 1). Until the point of no return everything undoes itself; nothing is dropped.",
      steps,
      gates,
      open: !isNext || next.open,
      why_not: isNext ? next.why_not : null,
      transactions: fenced ? openTransactions(this.s) : [],
      facts: [
        this.s.blocked
          ? { title: "3 transaction(s) would delay the fence", detail: "process 4711 of “month end”, open for 12:34", good: false }
          : { title: "Nothing blocks the fence", detail: "no transaction older than 100 ms", good: true },
        { title: "2 connections bypass the pooler", detail: "report-job, 10.2.0.14: they will get the error “moved to orders-eu”", good: false },
        { title: "Source has 164 free connections", detail: "needs 120", good: true },
      ],
    };
  }

  /** Starts a run whose steps pass in slowed-down time. */
  run(command: Command, reason: string): number {
    const ticket = ++this.#ticket;
    const plan = planOf(command, this.s.reads, this.s.authority, this.epoch);
    const started = Date.now();
    const seq = this.journal.add({ entry: "run_started", command, reason, gates: [] }, `${titleOf(command, this.s.authority)} started${reason ? `: ${reason}` : ""}`, "info");
    const base = { run: seq, command, label: titleOf(command, this.s.authority), by: "ann@ops-laptop", reason, started, ended: null };
    let heldSince: number | null = null;
    const show = (n: number) => {
      const held = plan.findIndex((p) => p.name === "hold");
      const released = plan.findIndex((p) => p.name === "release");
      const turn = plan.findIndex((p) => p.point_of_no_return);
      const steps = plan.slice(0, n + 1).map((p, i) => ({
        step: p.name,
        title: p.title,
        started,
        progress: i === n ? "asking both sides" : null,
        state: i < n ? ("done" as const) : ("running" as const),
        ms: i < n ? (p.last_ms ?? 40) : null,
        why: null,
      }));
      const holding = held >= 0 && n >= held && n <= released;
      if (holding) heldSince ??= Date.now();
      this.running = { ...base, steps, holding, holding_since: holding ? heldSince : null, past_no_return: turn >= 0 && n > turn };
      this.changed();
    };
    let n = 0;
    this.results.set(ticket, { state: "running" });
    const step = () => {
      if (n >= plan.length) return this.#end(ticket, { ...base, command });
      show(n);
      const ms = plan[n]?.last_ms ?? 8;
      n += 1;
      setTimeout(step, Math.min(900, 60 + ms * SLOWER));
    };
    step();
    return ticket;
  }

  #end(ticket: number, base: Omit<RunCard, "steps" | "holding" | "holding_since" | "past_no_return">): void {
    const { command } = base;
    const steps = (this.running?.steps ?? []).map((s) => ({ ...s, state: "done" as const, ms: s.ms ?? 2.4, progress: null }));
    const summary = this.#apply(command);
    const at = Date.now();
    this.last = { ...base, steps, holding: false, holding_since: null, past_no_return: false, ended: { at, outcome: "done", summary } };
    this.running = null;
    this.results.set(ticket, { state: "done", summary });
    this.journal.add({ entry: "routed", run: base.run, route: { reads_on_target: this.s.reads, writes: this.s.authority } }, `Read back: ${this.s.reads} % of reads on target, writes on ${this.s.authority}`, "good");
    this.journal.add({ entry: "run_ended", run: base.run, outcome: "done", summary, stopwatch: null }, `${base.label} is done: ${summary}`, "good");
    this.changed();
  }

  #apply(command: Command): string {
    const { s } = this;
    if (command.command === "hold" || command.command === "release") {
      this.#windowSince = command.command === "hold" ? Date.now() : null;
      return command.command === "hold" ? "clients waited 21.4 ms" : "writes go on at the source";
    }
    if (command.command === "repair") return `${this.consistency.repair(command.table, command.findings)} rows mended`;
    s.held = 0;
    if (command.command === "switch_writes" || command.command === "roll_back") this.#windowSince = null;
    if (command.command === "shift_reads") s.reads = command.percent;
    else if (command.command === "switch_writes") {
      s.authority = "target";
      this.epoch += 1;
      this.forward = { at: Date.now(), stopwatch: this.#stopwatch(command) };
      return "writes are on the target; the source is receive-only";
    } else if (command.command === "roll_back") {
      if (s.authority === "target") {
        this.rollback = { at: Date.now(), stopwatch: this.#stopwatch(command) };
        this.epoch += 1;
      }
      s.authority = "source";
      s.reads = 0;
      return "reads and writes are on the source";
    } else s.phasesDone = Math.min(6, s.phasesDone + 1);
    return `${s.reads} % of reads go to the target`;
  }

  #stopwatch(command: Command): Stopwatch {
    const inside = new Set(["hold", "fence", "caught_up", "sequences", "point_of_no_return", "route", "release"]);
    const side = command.command === "roll_back" ? "target" : "source";
    const parts = planOf(command.command === "roll_back" ? command : { command: "switch_writes" }, 100, side, 1)
      .filter((p) => inside.has(p.name))
      .map((p) => ({ step: p.name, ms: p.last_ms ?? 1 }));
    return { write_pause_ms: parts.reduce((sum, p) => sum + p.ms, 0), parts };
  }

  #canRollBack(): boolean {
    return this.s.phasesDone < 6 && (this.#windowSince !== null || this.s.reads > 0 || this.s.authority === "target");
  }

  #headline(): string {
    const { s } = this;
    if (s.phasesDone === 0) return "Schema analysis · nothing read yet";
    if (s.phasesDone >= 6) return "Over · cleaned up";
    if (s.authority === "target") return "Cutover · writes on target, receive-only source";
    if (this.#windowSince !== null) return `Writes held · ${s.phasesDone < 3 ? "nothing copied yet" : s.phasesDone < 4 ? "copied" : "copied and validated"}`;
    return s.copying ? "Dual write · copying 41 %" : `Cutover · ${s.reads} % of reads on target`;
  }

  #measured(now: number): Measured[] {
    const { s } = this;
    const line = (what: string, counts_ms: number, silent = 0): Measured => ({ what, at: now - 900 - silent * 1000, counts_ms });
    const streams = s.phasesDone < 2 ? [] : [line("lag source → target", 3_500, s.silent), line("lag target → source", 3_500, s.silent)];
    return [line("the source's server", 10_000, s.silent), line("the target's server", 10_000), line("the routers", 10_000), ...streams];
  }

  #lag(now: number, limit: number, shift: number): LagTile {
    return { now_ms: lagAt(now - shift), at: now - 700 - this.s.silent * 1000, counts_ms: 3_500, p95_ms: 342, worst_ms: 904, limit_ms: limit, within_since: this.began - 2_472_000 };
  }

  /** Writes that are held, where the strategy holds them. */
  #window(): HeldCard | null {
    if (this.#windowSince === null) return null;
    const [since, limit_s] = [this.#windowSince, this.limits.held_max_s];
    const seconds = Math.floor((Date.now() - since) / 1000);
    return { since, by: "ann@ops-laptop (4711)", seconds, limit_s, overdue: seconds > limit_s, seen: { at: Date.now() - 900, refuses: true } };
  }

  #ladder(): Cockpit["ladder"] {
    const { s } = this;
    const rungs = (s.window === null ? this.limits.ladder : []).map(({ percent, soak_s }) => {
      const state = percent < s.reads || (percent === s.reads && s.authority === "target") ? ("done" as const) : percent === s.reads ? ("now" as const) : ("later" as const);
      const held = this.#held();
      return { label: `${percent} %`, state, detail: state === "now" && s.broken ? "broken: Lag" : state === "now" ? `${duration(Math.min(held, soak_s))} of ${span(soak_s)}` : span(soak_s) };
    });
    const moved = s.authority === "target";
    return [
      ...rungs,
      { label: s.window === null ? "Writes" : "Reads and writes", detail: moved ? `pause ${this.forward?.stopwatch.write_pause_ms.toFixed(0)} ms` : "pause ≤ 5 s", state: moved ? "done" : "later" },
      { label: "Receive-only", detail: span(this.limits.receive_only_s), state: moved ? "now" : "later" },
    ];
  }

  #soak(): Cockpit["soak"] {
    const { s } = this;
    if (s.reads === 0 || s.authority === "target") return null;
    const broken = s.broken ? { at: this.began - 95_000, title: "Lag", why: "14.20 s, limit 1 s" } : null;
    return { since: this.began - s.held * 1000, anew: false, step_back: null, broken };
  }

  #held(): number {
    return this.s.held + (Date.now() - this.began) / 1000;
  }

  #gates(now: number): Judged[] {
    return gatesOf({ s: this.s, limits: this.limits, window: this.#window(), held: this.#held(), overridden: this.overridden, now });
  }

  #button(command: Command, label: string, open: boolean, why_not: string | null, title = label, opens_at: number | null = null): NextCommand {
    return { command, label, title, open, why_not, opens_at };
  }

  #next(now: number): NextCommand | null {
    const { s } = this;
    const early: Command[] = [{ command: "analyze" }, { command: "prepare" }, { command: "replicate" }, { command: "validate" }];
    if (s.window !== null && this.#windowSince === null && s.authority === "source" && (s.phasesDone === 2 || s.phasesDone === 4)) {
      return this.#button({ command: "hold" }, "Hold writes", true, null, "Next: refuse writes");
    }
    const command = early[s.phasesDone];
    if (command !== undefined) {
      const open = !s.copying;
      return this.#button(command, titleOf(command, s.authority), open, open ? null : "waits for the initial copy: 41 %", `Next: ${titleOf(command, s.authority).toLowerCase()}`);
    }
    if (s.phasesDone > 5) return null;
    const closed = this.#gates(now).find((g) => g.verdict !== "pass" && g.overridden_by === null);
    const why = closed === undefined ? null : closed.verdict === "fail" ? `${closed.title}: ${closed.why}` : closed.verdict === "unknown" ? `${closed.title}: ${closed.missing}` : null;
    const opens = closed?.opens_at ?? null;
    if (s.authority === "target") return this.#button({ command: "cleanup", typed_name: "" }, "Clean up", closed === undefined, why, "Next: clean up", opens);
    if (s.reads === 100 || s.window !== null) return this.#button({ command: "switch_writes" }, "Switch writes to the target", closed === undefined, why, "Next: writes move to the target", opens);
    const percent = this.limits.ladder.find((r) => r.percent > s.reads)?.percent ?? 100;
    return this.#button({ command: "shift_reads", percent }, `Shift to ${percent} %`, closed === undefined, why, `Next: ${s.reads} % → ${percent} % of reads`, opens);
  }

  #past(failed: boolean): RunCard {
    const command: Command = { command: "shift_reads", percent: this.s.reads };
    const plan = planOf(command, 5, "source", 1);
    const started = this.began - (failed ? 64_000 : this.s.held * 1000);
    const steps = plan.map((p, i) => ({
      step: p.name,
      title: p.title,
      started,
      progress: null,
      state: failed ? (i === 2 ? ("failed" as const) : ("undone" as const)) : ("done" as const),
      ms: failed && i === 2 ? 2000 : p.last_ms,
      why: failed && i === 2 ? "HAProxy 10.2.0.20:9999 did not answer within 2 s. Look at its admin socket." : null,
    }));
    const summary = failed ? "the route could not be read back; weights are as before" : `${this.s.reads} % of reads go to the target`;
    return { run: 3, command, label: `Shift to ${this.s.reads} %`, by: "ann@ops-laptop", reason: "CHG-4417", started, steps, holding: false, holding_since: null, past_no_return: false, ended: { at: started + (failed ? 2100 : 20), outcome: failed ? "undone" : "done", summary } };
  }

  #frozenSwitch(): RunCard {
    const plan = planOf({ command: "switch_writes" }, 100, "source", 1);
    const steps = plan.slice(0, 4).map((p, i) => ({ step: p.name, title: p.title, started: this.began - 240, progress: i === 3 ? "beat 88 412 is out since 4 ms" : null, state: i < 3 ? ("done" as const) : ("running" as const), ms: i < 3 ? p.last_ms : null, why: null }));
    return { run: 20, command: { command: "switch_writes" }, label: "Switch writes to the target", by: "ann@ops-laptop", reason: "CHG-4417", started: this.began - 300, steps, holding: true, holding_since: this.began - 240, past_no_return: false, ended: null };
  }
}
