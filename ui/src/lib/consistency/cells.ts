import type { ColumnDifference } from "../api/generated/ColumnDifference";
import { int } from "../format";
import { diff, type Run } from "./diff";

/** A piece of a value as it is shown; a gap stands for so many characters, or bytes, that were folded away. */
export type Piece = { kind: "same" | "differs"; text: string } | { kind: "gap"; hidden: number };

/** One side's value. NULL and the empty text are no text that could be mistaken for them. */
export type Cell = { kind: "null" } | { kind: "empty" } | { kind: "binary" | "text"; pieces: Piece[] };

export interface Cells {
  source: Cell;
  target: Cell;
  /** What the two values alone do not say, in sentences. */
  notes: string[];
  /** Whether something was folded away that can be shown. */
  folded: boolean;
}

/** The engine sends no more of a value than this; what it compared was the whole. */
const LONGEST = 10_000;
/** Characters of what is the same beside each difference. */
const AROUND = 32;
/** A difference longer than this is folded in its middle. */
const MOST = 240;

/** Both values of a column side by side; `whole` unfolds them. */
export function cellsOf(column: ColumnDifference, whole: boolean): Cells {
  const { source, target } = column;
  const binary = [source, target].every((v) => v === null || isBinary(v));
  const [a, b] = [textOf(source, binary), textOf(target, binary)];
  const runs = a !== null && b !== null ? diff(a, b, binary) : { source: alone(a), target: alone(b) };
  const cells = [cellOf(source, runs.source, binary, whole), cellOf(target, runs.target, binary, whole)] as const;
  return {
    source: cells[0],
    target: cells[1],
    notes: notesOf(column, binary, runs.source),
    folded: cells.some((c) => "pieces" in c && c.pieces.some((p) => p.kind === "gap")),
  };
}

/** `\x` and pairs of hex digits is how PostgreSQL writes bytes; a value that was cut may end in half a pair. */
function isBinary(value: string): boolean {
  return /^\\x(?:[0-9a-f]{2})*[0-9a-f]?$/.test(value);
}

function textOf(value: string | null, binary: boolean): string | null {
  return binary && value !== null ? value.slice(2) : value;
}

function alone(text: string | null): Run[] {
  return text === null || text === "" ? [] : [{ text, same: false }];
}

function cellOf(value: string | null, runs: Run[], binary: boolean, whole: boolean): Cell {
  if (value === null) return { kind: "null" };
  if (value === "" || (binary && value === "\\x")) return { kind: "empty" };
  const pieces = whole ? runs.map((run) => piece(run.text, run.same)) : folded(runs, binary ? 2 : 1);
  if (!binary) return { kind: "text", pieces };
  return { kind: "binary", pieces: pieces.map((p, i) => (p.kind === "gap" ? { ...p, hidden: p.hidden / 2 } : { ...p, text: spaced(p, i, pieces.length) })) };
}

/** Bytes apart from each other; the blank beside a difference belongs to what is the same. */
function spaced({ kind, text }: { kind: "same" | "differs"; text: string }, i: number, count: number): string {
  const bytes = text.replace(/..(?=.)/g, "$& ");
  return kind === "differs" ? bytes : `${i > 0 ? " " : ""}${bytes}${i < count - 1 ? " " : ""}`;
}

function piece(text: string, same: boolean): Piece {
  return { kind: same ? "same" : "differs", text };
}

/** Keeps what differs and a little of what is around it; `step` never cuts a byte in two. */
function folded(runs: Run[], step: number): Piece[] {
  return runs.flatMap((run, i): Piece[] => {
    const between = run.same && runs.length > 1;
    const head = between ? (i === 0 ? 0 : AROUND) : MOST - 2 * AROUND;
    const tail = between ? (i === runs.length - 1 ? 0 : AROUND) : 2 * AROUND;
    if (run.text.length <= head + tail + 8) return [piece(run.text, run.same)];
    const from = boundary(run.text, head, step);
    const to = boundary(run.text, run.text.length - tail, step);
    return [
      ...(from > 0 ? [piece(run.text.slice(0, from), run.same)] : []),
      { kind: "gap", hidden: to - from },
      ...(to < run.text.length ? [piece(run.text.slice(to), run.same)] : []),
    ];
  });
}

/** The place at or before this one that cuts neither a character nor a byte in two. */
function boundary(text: string, at: number, step: number): number {
  const low = text.charCodeAt(at);
  return (low >= 0xdc00 && low <= 0xdfff ? at - 1 : at) - (at % step);
}

function notesOf({ source, target }: ColumnDifference, binary: boolean, runs: Run[]): string[] {
  const notes: string[] = [];
  const cut = [source, target].some((v) => v !== null && v.length >= LONGEST && [...v].length >= LONGEST);
  if (source !== null && source === target) {
    notes.push(cut ? `The first ${int(LONGEST)} characters are equal; the difference lies behind them.` : "Both read the same; what is stored differs.");
  } else if (cut) notes.push(`Cut at ${int(LONGEST)} characters here; the comparison was of the whole.`);
  if (binary && source !== null && target !== null && source !== target) {
    const first = runs[0];
    const at = first !== undefined && first.same ? first.text.length / 2 : 0;
    notes.push(`Binary: ${bytesOf(source)} against ${bytesOf(target)}; the first difference is byte ${int(at + 1)}.`);
  }
  if (/^null$/i.test(source ?? "") || /^null$/i.test(target ?? "")) notes.push("A value without a frame is the text “NULL”, not a missing value.");
  return notes;
}

function bytesOf(value: string): string {
  const n = (value.length - 2) / 2;
  return value.length >= LONGEST ? `at least ${int(Math.floor(n))} bytes` : `${int(n)} ${n === 1 ? "byte" : "bytes"}`;
}

const VISIBLE: Record<string, string> = { " ": "␣", "\t": "⇥", "\n": "↵\n", "\r": "␍", "\u00a0": "⟨nbsp⟩" };

/** A text in which nothing is invisible: for what differs, where a blank is as good a reason as a letter. */
export function visible(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}\p{Z}]/gu, (c) => VISIBLE[c] ?? `⟨U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}
