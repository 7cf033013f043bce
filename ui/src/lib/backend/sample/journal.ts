import type { JournalLine } from "../../api/generated/JournalLine";
import type { Recorded } from "../../api/generated/Recorded";
import type { Tone } from "../../api/generated/Tone";
import { limits, NAME } from "./data";

type Entry = Recorded extends infer R ? (R extends unknown ? Omit<R, "seq" | "at" | "by" | "generation"> : never) : never;

/** An invented journal; what the sample does is appended like what an engine does. */
export class SampleJournal {
  readonly lines: JournalLine[] = [];

  add(entry: Entry, sentence: string, tone: Tone, at = Date.now()): number {
    const seq = this.lines.length + 1;
    const recorded = { seq, at, by: "ann@ops-laptop", generation: 3, ...entry } as Recorded;
    this.lines.push({ sentence, tone, at, recorded });
    return seq;
  }

  /** A past that fits a migration in the middle of its cutover. */
  fill(now: number, long: boolean): void {
    const spec = { name: NAME, strategy: "live" as const, source: "orders-eu", target: "orders-eu-18", routers: [], limits: limits(false) };
    this.add({ entry: "created", spec }, `Migration ${NAME} was created: orders-eu → orders-eu-18`, "info", now - 30_000_000);
    if (!long) return;
    const ladder = [1, 5, 10];
    ladder.forEach((percent, i) => {
      const at = now - 2_153_000 - (ladder.length - 1 - i) * 7_300_000;
      const run = this.add(
        { entry: "run_started", command: { command: "shift_reads", percent }, reason: "CHG-4417", gates: ["Lag: 0.21 s, limit 1 s, held 41:12"] },
        `Shift to ${percent} % started: CHG-4417`,
        "info",
        at,
      );
      const actions = [{ at: "HAProxy 10.2.0.20:9999", run: `set server ro/target weight ${percent}` }];
      this.add({ entry: "step_started", run, step: "weights", actions }, `Send ${percent} % of reads to the target: started`, "info", at + 4);
      this.add({ entry: "step_done", run, step: "weights", ms: 3.1, output: null }, `Send ${percent} % of reads to the target: done in 3.1 ms`, "good", at + 8);
      this.add({ entry: "routed", run, route: { reads_on_target: percent, writes: "source" } }, `Read back: ${percent} % of reads on target, writes on source`, "good", at + 12);
      this.add({ entry: "run_ended", run, outcome: "done", summary: `${percent} % of reads go to the target`, stopwatch: null }, `Shift to ${percent} % is done: ${percent} % of reads go to the target`, "good", at + 20);
    });
    this.add({ entry: "signed_off", check: "change_window", by_name: "M. Okafor", reason: "CHG-4417, 01:00–04:00" }, "M. Okafor signed off “The change window is open”: CHG-4417, 01:00–04:00", "good", now - 1_900_000);
    this.add({ entry: "overridden", gate: "soak", by_name: "ann", reason: "rehearsed twice on staging" }, "ann overrode the gate Soak for the next run: rehearsed twice on staging", "warn", now - 1_800_000);
    this.add({ entry: "step_failed", run: 3, step: "read_back", why: "HAProxy 10.2.0.20:9999 did not answer within 2 s", remedy: "Look at its admin socket." }, "Read the route back failed: HAProxy 10.2.0.20:9999 did not answer within 2 s", "bad", now - 1_700_000);
  }
}
