import type { CaptureRow } from "../api/generated/CaptureRow";
import type { CaptureStands } from "../api/generated/CaptureStands";
import type { ReadSpread } from "../api/generated/ReadSpread";
import type { ReplayOutcome } from "../api/generated/ReplayOutcome";
import { int, plural, readMs, shortWhen } from "../format";
import type { Sign } from "../parts/marks";

/** How a capture's file stands; the mark goes with the word. */
export const STANDS: Record<CaptureStands, Sign> = {
  whole: { mark: "✓", word: "whole", tone: "good" },
  being_taken: { mark: "●", word: "being taken", tone: "run" },
  broken_off: { mark: "▲", word: "broken off", tone: "warn" },
  changed: { mark: "▲", word: "changed since", tone: "warn" },
  gone: { mark: "✕", word: "gone", tone: "bad" },
  unreadable: { mark: "✕", word: "cannot be read", tone: "bad" },
};

/** How a replay came out. */
export const OUTCOMES: Record<ReplayOutcome, Sign> = {
  equal: { mark: "✓", word: "Equal", tone: "good" },
  different: { mark: "✕", word: "Different", tone: "bad" },
  unknown: { mark: "○", word: "Not known", tone: "none" },
};

export const SPEEDS = [
  ["one_by_one", "one by one"],
  ["1", "1 ×, as captured"],
  ["2", "2 ×"],
  ["10", "10 ×"],
  ["max", "as fast as possible"],
] as const;

/** P50, P95 and P99 with one unit: `0.42 / 1.10 / 4.20`. */
export function spreadText(of: ReadSpread | null | undefined): string {
  if (of == null) return "—";
  return [of.p50_ms, of.p95_ms, of.p99_ms].map((ms) => (ms < 100 ? ms.toFixed(2) : int(ms))).join(" / ");
}

export function p99Text(of: ReadSpread | null): string {
  return of === null ? "—" : readMs(of.p99_ms);
}

/** A capture in a list to choose from. */
export function captureText(row: CaptureRow, now: number): string {
  const begun = row.begun === null ? "" : `, ${shortWhen(row.begun, now)}`;
  return `${row.name}${begun}, ${plural(row.statements ?? 0, "statement")}`;
}
