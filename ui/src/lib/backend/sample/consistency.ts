import type { Consistency } from "../../api/generated/Consistency";
import type { Finding } from "../../api/generated/Finding";
import type { FindingsPage } from "../../api/generated/FindingsPage";
import type { FindingsRequest } from "../../api/generated/FindingsRequest";
import type { Following } from "../../api/generated/Following";
import type { NotCompared } from "../../api/generated/NotCompared";
import type { NumberedFinding } from "../../api/generated/NumberedFinding";
import type { Pacing } from "../../api/generated/Pacing";
import type { PassProgress } from "../../api/generated/PassProgress";
import type { TableName } from "../../api/generated/TableName";
import type { TableStanding } from "../../api/generated/TableStanding";
import type { TableVerdict } from "../../api/generated/TableVerdict";
import { tableList } from "./data";
import { invoiceFindings, uncountedFindings } from "./findings";
import type { Scenario } from "./scenarios";

/** How long an invented table waits after somebody asked for it. */
const WAITS_MS = 3_000;
const RANK: Record<TableVerdict, number> = { different: 0, unproven: 1, not_compared: 2, equal: 3 };

/** An invented comparison in the background, in the state that its scenario is there to show. */
export class SampleConsistency {
  pacing: Pacing;
  #findings = new Map<string, NumberedFinding[]>();
  #asked = new Map<string, number>();
  readonly #began = Date.now();

  constructor(readonly s: Scenario) {
    this.pacing = { paused: s.compared === "paused", duty: 25, full_every_s: 86_400 };
    if (!["differs", "pass", "paused", "trouble"].includes(s.compared)) return;
    const number = (list: Finding[], from: number) => list.map((finding, i) => ({ id: from + i, finding }));
    this.#findings.set("public.invoices", number(invoiceFindings(s.compared === "pass" ? 3 : 1_204, this.#began - 7_000), 1));
    if (s.compared === "differs") this.#findings.set("stock.moves", number(uncountedFindings(this.#began - 31_000), 5_000));
  }

  answer(): Consistency {
    const now = Date.now();
    const following = this.#following(now);
    const tables = this.s.compared === "no" ? [] : tableList(this.s.many).map((t, i) => this.#standing(t, i, now, following));
    const shown = this.s.compared === "first" ? tables.slice(4, 8) : tables;
    const name = ({ standing }: TableStanding) => `${standing.table.schema}.${standing.table.name}`;
    shown.sort((a, b) => RANK[a.standing.verdict] - RANK[b.standing.verdict] || (name(a) < name(b) ? -1 : 1));
    return { tables: shown, following, pacing: this.pacing, authority: this.s.authority, max_age_s: 86_400 };
  }

  findings({ table, after, most }: FindingsRequest): FindingsPage {
    const all = this.#findings.get(`${table.schema}.${table.name}`) ?? [];
    return { findings: all.filter((f) => f.id > after).slice(0, most), total: all.length };
  }

  want(tables: TableName[]): void {
    const all = tables.length > 0 ? tables : tableList(this.s.many).map(([schema, name]) => ({ schema, name }));
    for (const t of all) this.#asked.set(`${t.schema}.${t.name}`, Date.now());
  }

  /** What a repair would: the named findings are gone. */
  repair(table: TableName | null, ids: number[]): number {
    let repaired = 0;
    for (const [name, list] of this.#findings) {
      if (table !== null && name !== `${table.schema}.${table.name}`) continue;
      const left = ids.length === 0 ? [] : list.filter((f) => !ids.includes(f.id));
      repaired += list.length - left.length;
      this.#findings.set(name, left);
    }
    return repaired;
  }

  #standing([schema, name, rows]: [string, string, number], i: number, now: number, following: Following): TableStanding {
    const key = `${schema}.${name}`;
    const at = this.#began - 4_100_000 + i * 9_000;
    const shows = this.s.compared === "differs";
    const findings = this.#findings.get(key)?.length ?? 0;
    const hot = shows && name === "sessions" ? 2 : 0;
    const notCompared = shows ? leftOut(name) : [];
    const whole = notCompared.some((n) => n.column === null);
    const verdict: TableVerdict = whole ? "not_compared" : findings > 0 ? "different" : hot > 0 ? "unproven" : "equal";
    const follows = name !== "moves";
    const asked = this.#asked.get(key);
    const waiting = asked !== undefined && now - asked < WAITS_MS;
    if (asked !== undefined && !waiting) this.#asked.delete(key);
    const grown = Math.round(rows / 50_000) - (name === "sessions" ? 120 : 0);
    return {
      standing: {
        table: { schema, name },
        verdict,
        rows_source: whole ? 0 : rows,
        rows_target: whole ? 0 : rows - (findings > 0 && name === "invoices" ? 1 : 0),
        rows_before: this.s.compared === "first" ? null : whole ? [0, 0] : [rows - grown, rows - grown - (name === "invoices" ? 3 : 0)],
        findings,
        hot,
        hot_rows: hot > 0 ? [[["id", "4120017"]]] : [],
        in_flight: name === "order_lines" ? 31 : 0,
        not_compared: notCompared,
        full_began: whole ? at : at - rows / 900,
        full_at: at,
        seconds: whole ? 0 : 0.4 + rows / 900_000,
        changed: follows ? Math.round(rows / 4_000) : 0,
        at,
        follows: follows && !whole,
      },
      holds_at: follows && !whole && following.verified !== null ? following.verified : at,
      waiting,
    };
  }

  #following(now: number): Following {
    const { compared } = this.s;
    const follows = !["no", "first", "trouble"].includes(compared);
    const base: Following = {
      activity: this.pacing.paused ? "paused" : "following",
      since: follows ? this.#began - 4_000_000 : null,
      // A paused comparison verifies nothing, so its verdicts grow old.
      verified: !follows ? null : compared === "paused" ? this.#began - 910_000 : now - 1_400,
      changed: follows ? 604_118 + (this.pacing.paused ? 0 : Math.floor((now - this.#began) / 3)) : 0,
      waiting: follows ? 31 : 0,
      pass: null,
      trouble: null,
      at: now,
    };
    if (compared === "no") return { ...base, activity: "off" };
    if (compared === "trouble") {
      return { ...base, activity: "waiting", trouble: "The slot “switchyard_follow” cannot be made on the source: all 10 replication slots are taken; until one is free every table is compared as a whole" };
    }
    if ((compared === "pass" || compared === "first") && !this.pacing.paused) return { ...base, activity: "full_pass", pass: pass(now, this.#began) };
    return base;
  }
}

function leftOut(name: string): NotCompared[] {
  if (name === "blobs") return [{ column: null, reason: "the role switchyard may not read it on the target: permission denied" }];
  if (name === "customers") return [{ column: "search_vector", reason: "the target has no such column" }, { column: "legacy_id", reason: "only the target has it" }];
  return [];
}

function pass(now: number, began: number): PassProgress {
  const total = 2_421_443_006;
  const perSecond = 982_113;
  const rows = Math.min(total, Math.round(total * 0.412 + ((now - began) / 1000) * perSecond));
  return { began: began - 1_016_000, tables: 5, tables_total: 13, rows, rows_total: total, rows_per_s: perSecond, seconds_left: (total - rows) / perSecond };
}
