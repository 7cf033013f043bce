import type { CaptureRow } from "../../api/generated/CaptureRow";
import type { CapturesView } from "../../api/generated/CapturesView";
import type { CaptureStart } from "../../api/generated/CaptureStart";
import type { CaptureTaking } from "../../api/generated/CaptureTaking";
import type { LoadJob } from "../../api/generated/LoadJob";
import type { LoadResult } from "../../api/generated/LoadResult";
import type { LoadStart } from "../../api/generated/LoadStart";
import type { ReadSpread } from "../../api/generated/ReadSpread";
import type { ReplayJob } from "../../api/generated/ReplayJob";
import type { ReplayResult } from "../../api/generated/ReplayResult";
import type { ReplayStart } from "../../api/generated/ReplayStart";
import { ApiFault } from "../backend";

const FOLDER = "/home/ann/.local/share/switchyard/captures";
/** How long a sample of a job runs before it is over. */
const RUNS_MS = 6_000;

const spread = (p50_ms: number, p95_ms: number, p99_ms: number): ReadSpread => ({ p50_ms, p95_ms, p99_ms });

function row(name: string, hoursAgo: number, change: Partial<CaptureRow> = {}): CaptureRow {
  const begun = Date.now() - hoursAgo * 3_600_000;
  return {
    file: `${FOLDER}/${name}`,
    name,
    source: "db1.example:5432, orders",
    endpoint: "orders-eu",
    migration: "orders-eu to 18",
    added: begun + 600_000,
    begun,
    ended: begun + 600_000,
    answers: 0,
    statements: 48_211,
    sessions: 37,
    seconds: 600,
    bytes: 3_482_112,
    left_out: [],
    notes: ["A log has no rows and no counts: only failures can be compared with it."],
    stands: "whole",
    says: null,
    ...change,
  };
}

const FOUND: ReplayResult = {
  outcome: "different",
  says: "In 2 statements.",
  at: "db1.example:5432, scratch15",
  against: "db2.example:5432, scratch18",
  played: 48_199,
  sessions: 37,
  compared: 48_199,
  clock: 812,
  unlike_captured: 3,
  found: 2,
  findings: [
    {
      n: 4_211,
      text: "SELECT name FROM customers WHERE country = $1 ORDER BY name LIMIT 20",
      parameters: ["DE"],
      says: "Other rows",
      here: "anders",
      there: "Zoe",
      of_source: false,
    },
    { n: 9_023, text: "SELECT price(total) FROM orders WHERE id = $1", parameters: ["81"], says: "Fails on the second copy alone", here: "no error", there: "42883: function price(numeric) does not exist", of_source: false },
  ],
  shapes: [
    { id: "a1", text: "select name from customers where country = $1 order by name limit $2", calls: 1_204, failed: 0, differed: 1, captured: spread(0.61, 1.8, 4.2), here: spread(0.58, 1.7, 3.9), there: spread(0.55, 1.6, 3.1) },
    { id: "a2", text: "update orders set state = $1 where id = $2", calls: 8_110, failed: 0, differed: 0, captured: spread(0.9, 2.2, 8.1), here: spread(0.8, 2.0, 6.4), there: spread(0.8, 1.9, 5.8) },
  ],
  shapes_in_all: 2,
  late: null,
  seconds: 214,
  left_out: [{ why: "It is COPY, whose rows are not in the log.", times: 12 }],
  answers: { asked: 1_505, equal: 1_503, open: 0, different: 0, in_doubt: [{ why: "A statement that writes its tables was left out.", times: 2 }], not_asked: 0 },
  tables: { tables: 14, rows: 812_440, findings: 0, clock: 812, unproven: 0, different: [] },
  notes: ["3 statements had not ended when the next one began: they wait for another session, or are slower here."],
};

const SERVED: LoadResult = {
  served: false,
  says: "Served up to 400 a second. 566 a second: P99 was 71.0 ms, limit 50 ms.",
  at: "db2.example:5432, scratch18",
  read_only: false,
  rates: [
    { asked: 200, reached: 200, transactions: 6_000, failed: 0, latency: spread(1.1, 3.0, 8.2), late: spread(0.1, 0.2, 0.4), timing: spread(0.05, 0.1, 0.2), left_waiting: 0, is_knee: false },
    { asked: 400, reached: 399, transactions: 11_970, failed: 2, latency: spread(1.3, 5.1, 19.8), late: spread(0.1, 0.3, 2.1), timing: spread(0.05, 0.1, 0.3), left_waiting: 0, is_knee: true },
    { asked: 566, reached: 541, transactions: 16_210, failed: 20, latency: spread(4.8, 40.2, 71), late: spread(2.2, 31, 60), timing: spread(0.06, 0.2, 0.4), left_waiting: 12, is_knee: false },
  ],
  knee_per_second: 400,
  errors: [{ class: "23505", times: 22, newest: "duplicate key value violates unique constraint “notes_pkey”" }],
  drawn: "Drawn from 9 120 captured transactions, 80.2 a second, at most 14 at once.",
  left_out: [{ why: "A statement of it had failed.", times: 31 }],
};

const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="140" viewBox="0 0 800 140"><polyline points="46,110 200,90 400,60 700,30" fill="none" stroke="currentColor"/></svg>';

function refuse(message: string, remedy: string): never {
  throw new ApiFault({ code: "refused", message, remedy });
}

/** Captures, replay and load without servers: what is begun goes on for some seconds, and is over then. */
export class SampleRehearse {
  captures: CaptureRow[];
  #taking: CaptureTaking | null = null;
  #replay: ReplayJob | null = null;
  #load: LoadJob | null = null;

  constructor(readonly full = true) {
    this.captures = full
      ? [
          row("orders-2026-11-29-0210.capture", 3),
          row("monday.capture", 52, { left_out: [{ why: "It is COPY, whose rows are not in the log.", times: 12 }, { why: "The values of its parameters were not logged.", times: 4 }] }),
          row("night.capture", 9, { stands: "broken_off", statements: null, begun: null, seconds: 0, sessions: 0, bytes: 812_004, says: "Whoever took it ended before it was whole. What was taken until then is there." }),
          row("old.capture", 900, { stands: "gone", says: "Its file of 1.2 MiB is gone." }),
        ]
      : [];
  }

  view(): CapturesView {
    return { source: "orders-eu", suggested: `${FOLDER}/orders-2026-11-29-0512.capture`, taking: this.#take(), captures: this.captures };
  }

  start({ file, seconds }: CaptureStart): CapturesView {
    if (this.#taking !== null && this.#taking.ended === null) refuse("A capture is at “orders-eu” just now.", "Wait for its end, or stop it first.");
    const begun = Date.now();
    this.#taking = { file: file ?? `${FOLDER}/orders-2026-11-29-0512.capture`, begun, until: seconds === null ? null : begun + seconds * 1000, ending: false, ended: null, statements: 0, fault: null };
    this.captures = [row("orders-2026-11-29-0512.capture", 0, { file: this.#taking.file, stands: "being_taken", statements: null, begun: null, seconds: 0, sessions: 0, bytes: 0 }), ...this.captures];
    return this.view();
  }

  stop(file: string): Record<string, never> {
    const taking = this.#taking;
    if (taking !== null && taking.file === file && taking.ended === null) this.#taking = { ...taking, ended: Date.now(), statements: 1_204 };
    this.#change(file, { stands: "whole", statements: 1_204, says: null, begun: Date.now() - 60_000, seconds: 60, sessions: 9, bytes: 92_000 });
    return {};
  }

  add(file: string): CaptureRow {
    if (!file.startsWith("/")) throw new ApiFault({ code: "invalid", message: `“${file}” is no full path.`, remedy: "Give the file with all its folders, as /home/ann/shop.capture." });
    const name = file.split("/").at(-1) ?? file;
    const added = row(name, 1, { file, endpoint: null, migration: null });
    this.captures = [added, ...this.captures.filter((c) => c.file !== file)];
    return added;
  }

  forget(file: string): Record<string, never> {
    this.captures = this.captures.filter((c) => c.file !== file);
    return {};
  }

  replayStart(asked: ReplayStart): { job: ReplayJob | null } {
    if (asked.at === asked.against) throw new ApiFault({ code: "invalid", message: `${asked.at} is given twice: a database cannot be compared with itself.`, remedy: "Make a second copy." });
    const begun = Date.now();
    this.#replay = { asked, begun, ended: null, ending: false, phase: "playing", played: 0, all: 48_211, failed: asked.against === null ? [0] : [0, 0], behind_ms: null, result: null, fault: null };
    if (asked.at === "orders-eu") {
      this.#replay.ended = begun;
      this.#replay.fault = { code: "refused", message: "“orders-eu” has the writes of “orders-eu to 18”: a replay would hit the application itself.", remedy: "Take a copy of it, a database of its own." };
    }
    return this.replay();
  }

  replay(): { job: ReplayJob | null } {
    const job = this.#replay;
    if (job !== null && job.ended === null) {
      const share = Math.min(1, (Date.now() - job.begun) / RUNS_MS);
      const timed = job.asked.speed === "times" ? { behind_ms: 1_840 } : {};
      this.#replay = { ...job, ...timed, played: Math.round(48_211 * share), failed: job.failed.map((_, copy) => (share > 0.2 ? 3 + copy : 0)) };
      if (share === 1) this.replayStop();
    }
    return { job: this.#replay };
  }

  replayStop(): Record<string, never> {
    if (this.#replay !== null && this.#replay.ended === null) this.#replay = { ...this.#replay, ended: Date.now(), played: 48_211, result: this.#replay.asked.against === null ? { ...FOUND, against: null, compared: 0, tables: null } : FOUND };
    return {};
  }

  loadStart(asked: LoadStart): Record<string, never> {
    if (asked.of.of === "script" && !asked.of.text.includes(";")) throw new ApiFault({ code: "invalid", message: "The script, line 1: the statement does not end.", remedy: "Correct the input." });
    this.#load = { asked, begun: Date.now(), ended: null, ending: false, newest: null, svg: null, result: null, fault: null };
    return {};
  }

  load(): { job: LoadJob | null } {
    const job = this.#load;
    if (job !== null && job.ended === null) {
      this.#load = { ...job, newest: { at: Date.now(), asked: 400, ended: 399, failed: 2, p99_ms: 19.8, waiting: 1 }, svg: PICTURE };
      if (Date.now() - job.begun > RUNS_MS) this.loadStop();
    }
    return { job: this.#load };
  }

  loadStop(): Record<string, never> {
    if (this.#load !== null && this.#load.ended === null) this.#load = { ...this.#load, ended: Date.now(), result: SERVED };
    return {};
  }

  #take(): CaptureTaking | null {
    const taking = this.#taking;
    if (taking === null || taking.ended !== null) return taking;
    return { ...taking, statements: Math.floor((Date.now() - taking.begun) / 12) };
  }

  #change(file: string, change: Partial<CaptureRow>): void {
    this.captures = this.captures.map((c) => (c.file === file ? { ...c, ...change } : c));
  }
}
