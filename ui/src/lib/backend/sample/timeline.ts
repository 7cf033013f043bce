import type { Task } from "../../api/generated/Task";
import type { TaskRow } from "../../api/generated/TaskRow";
import type { TimelineEdits } from "../../api/generated/TimelineEdits";
import type { TimelineRequest } from "../../api/generated/TimelineRequest";
import type { TimelineView } from "../../api/generated/TimelineView";
import type { Scenario } from "./scenarios";

const DAY = 86_400_000;
/** Id, title, days, why, and how many days later than planned it ended: those of phases that are done. */
const TASKS: [string, string, number, string, number][] = [
  ["discovery", "Discovery and schema analysis", 14, "The playbook's two weeks for 212 tables and a team of 2.", 2],
  ["compatibility", "Compatibility layer", 5, "The playbook's third week for 212 tables and a team of 2.", 1],
  ["dual_write", "Dual write: replication in both directions", 5, "The playbook's fourth week for 212 tables and a team of 2.", 1],
  ["copy", "Copy and catch up, rehearsed once", 2.5, "211 GB at 82.0 MB/s, indexes and what is written meanwhile: 86 min, twice, and a day to look at it.", 1],
  ["validation", "Validation and reconciliation", 10, "412 million rows take 23 min, twice, and the playbook's two weeks for what is found.", -3],
  ["performance", "Shadow reads and performance", 14, "The playbook's two weeks for 3100 writes/s.", 0],
  ["cutover", "Reads by percent, then writes", 4.5, "6 rungs of the ladder soak for 3 days 1 h.", 0],
  ["receive_only", "Source receives only", 7, "The limits keep the way back open for 7 days.", 0],
  ["cleanup", "Cleanup", 1, "A day, in daylight.", 0],
];
/** How many tasks are done after so many phases. */
const DONE = [0, 1, 2, 4, 5, 7, 9];

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}

/** An invented plan. */
export class SampleTimeline {
  edits: TimelineEdits = { start: null, team: null, skip_weekends: false, days: {}, done: {} };
  #measuredAt: number | null;

  constructor(readonly s: Scenario) {
    this.#measuredAt = s.phasesDone === 0 ? null : Date.now() - 3_840_000;
  }

  measure(): void {
    this.#measuredAt = Date.now();
  }

  view({ width, dark }: TimelineRequest): TimelineView {
    const today = Date.parse(day(Date.now()));
    const start = this.edits.start === null ? today - 44 * DAY : Date.parse(this.edits.start);
    const tasks = this.#tasks(start);
    const end = tasks.at(-1)?.end ?? start;
    const expected_end = tasks.at(-1)?.ends ?? start;
    const summary = `Live: from ${day(start)} to ${day(end - 1)}.${end === expected_end ? "" : ` As it looks now it ends on ${day(expected_end - 1)}.`}`;
    return {
      measured:
        this.#measuredAt === null
          ? null
          : {
              at: this.#measuredAt,
              measured: {
                tables: 212, rows: 412_000_000, heap_bytes: 211_000_000_000, index_bytes: 96_000_000_000, writes_per_s: 3_104.2, transactions_per_s: 1_811,
                wal_bytes_per_s: 4_210_000, copy_bytes_per_s: 82_000_000, index_bytes_per_s: 61_000_000, verify_rows_per_s: 300_400, pause_ms: null, no_replication: [],
              },
              notes: [],
            },
      placed: this.#measuredAt === null ? null : { timeline: { strategy: "live", tasks, end, expected_end, unknown: [] }, svg: drawn(tasks, width, dark), summary, rows: tasks.map(row) },
      edits: this.edits,
      team: this.edits.team ?? 2,
      start: day(start),
    };
  }

  #tasks(start: number): Task[] {
    const done = DONE[this.s.phasesDone] ?? 0;
    let [planned, expected] = [start, start];
    return TASKS.map(([id, title, computed, why, late], i) => {
      const days = this.edits.days[id] ?? computed;
      const by_hand = this.edits.done[id];
      const end = planned + days * DAY;
      const ended = by_hand !== undefined ? Date.parse(by_hand) : i < done ? expected + (days + late) * DAY : null;
      const ends = ended ?? Math.max(expected + days * DAY, Date.now());
      const task: Task = {
        id, title, days, why: id in this.edits.days ? `Given by hand; computed ${computed.toFixed(1)} days.` : why, changed: id in this.edits.days,
        start: planned, end, begins: Math.min(expected, ends), ends, done: ended, done_by_hand: by_hand !== undefined, slips_days: Math.round((Math.max(0, ends - end) / DAY) * 10) / 10,
      };
      [planned, expected] = [end, ends];
      return task;
    });
  }
}

function row(t: Task): TaskRow {
  const [from, to] = [day(t.begins), day(Math.max(t.begins, t.ends - 1))];
  const planned = `${day(t.start)} to ${day(t.end - 1)}`;
  const late = t.slips_days > 0 ? `${t.slips_days} days late` : "";
  const state = t.done !== null ? `Done ${day(t.done)}${late === "" ? "" : `, ${late}`}.` : late === "" ? "As planned." : `${late}.`;
  return { from, to, planned: planned === `${from} to ${to}` ? null : planned, state, done: t.done === null ? null : day(t.done) };
}

/** Stands in for the engine's picture. */
function drawn(tasks: Task[], width: number, dark: boolean): string {
  const ink = dark ? { line: "#262d37", text: "#9aa5b4", hold: "#f0b34c", target: "#45c8a5", run: "#a997ff" } : { line: "#e3e6eb", text: "#5b6573", hold: "#b26a00", target: "#0f8a6d", run: "#6b4fd8" };
  const [left, right, head, height] = [300, width - 100, 26, 26];
  const from = Math.min(...tasks.map((t) => t.start));
  const to = Math.max(...tasks.map((t) => Math.max(t.end, t.ends)));
  const x = (at: number) => left + ((at - from) / (to - from)) * (right - left);
  const bars = tasks.map((t, i) => {
    const y = head + i * height + height / 2;
    const late = t.slips_days > 0 ? `<rect x="${x(Math.max(t.end, t.begins))}" y="${y - 3}" width="${Math.max(0, x(t.ends) - x(Math.max(t.end, t.begins)))}" height="6" fill="${ink.hold}"/>` : "";
    const plan = t.end === t.ends && t.start === t.begins ? "" : `<rect x="${x(t.start)}" y="${y + 8}" width="${x(t.end) - x(t.start)}" height="2" fill="${ink.text}"/>`;
    return `<text x="${left - 8}" y="${y + 4}" text-anchor="end" fill="${ink.text}">${escaped(t.title)}</text><rect x="${x(t.begins)}" y="${y - 6}" width="${Math.max(2, x(t.ends) - x(t.begins))}" height="12" fill="${t.done === null ? ink.run : ink.target}"/>${late}${plan}`;
  });
  const weeks: string[] = [];
  for (let at = from; at <= to; at += 14 * DAY) weeks.push(`<path d="M${x(at)} 20V${head + tasks.length * height}" stroke="${ink.line}"/><text x="${x(at)}" y="14" fill="${ink.text}">${day(at)}</text>`);
  const tall = head + tasks.length * height + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${tall}" font-family="sans-serif" font-size="10.5">${weeks.join("")}${bars.join("")}<path d="M${x(Date.now())} 20V${tall - 8}" stroke="${ink.hold}" stroke-dasharray="5 4"/></svg>`;
}
