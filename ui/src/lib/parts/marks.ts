import type { Check } from "../api/generated/Check";
import type { Judged } from "../api/generated/Judged";
import type { StepState } from "../api/generated/StepState";
import type { Tone } from "../api/generated/Tone";
import { isOld } from "./fresh";
import { SEVERITY_WORDS } from "./severity";

/** A sign beside a line: shape and word carry the meaning, colour only repeats it. */
export interface Sign {
  mark: string;
  word: string;
  tone: "good" | "warn" | "bad" | "run" | "none";
}

export const PASS: Sign = { mark: "✓", word: "passes", tone: "good" };
export const FAIL: Sign = { mark: "✕", word: "fails", tone: "bad" };
export const WAITS: Sign = { mark: "●", word: "waits", tone: "warn" };
export const UNKNOWN: Sign = { mark: "○", word: "not known", tone: "none" };
/** It passed or failed when it was looked at, and that is too long ago to count. */
export const STALE: Sign = { mark: "◷", word: "stale, not known now", tone: "warn" };

type Verdictish = { verdict: "pass" | "fail" | "unknown" };

function signOf(verdict: Verdictish): Sign {
  if (verdict.verdict === "pass") return PASS;
  return verdict.verdict === "fail" ? FAIL : UNKNOWN;
}

/** What opens by itself waits; it does not fail. What is older than it counts is not known, whatever it was. */
export function gateSign(gate: Judged, now: number): Sign {
  if (isOld(gate, now)) return STALE;
  return gate.verdict === "fail" && gate.opens_at !== null ? WAITS : signOf(gate);
}

/** Whether a check stands in the way when it fails: one that was not weighed does. */
export function blocks(check: Check): boolean {
  return check.severity === undefined || check.severity === "blocks";
}

/** What fails and blocks nothing is a warning, in the word of its severity. */
function failing(check: Check): Sign {
  if (check.opens_at !== null) return WAITS;
  if (check.severity === undefined || check.severity === "blocks") return FAIL;
  return { mark: "▲", word: SEVERITY_WORDS[check.severity], tone: "warn" };
}

export function checkSign(check: Check, now: number): Sign {
  if (check.sign_off.kind === "signed") return { ...PASS, word: "signed off" };
  if (check.sign_off.kind === "wanted") return { ...WAITS, word: "waits for a person" };
  if (isOld(check, now)) return STALE;
  return check.verdict.verdict === "fail" ? failing(check) : signOf(check.verdict);
}

/** The sentence of a verdict, without its remedy. */
export function sentenceOf(v: Judged | Check["verdict"]): string {
  if (v.verdict === "pass") return v.evidence;
  return v.verdict === "fail" ? v.why : v.missing;
}

const STEPS: Record<StepState | "waiting", Sign> = {
  waiting: { mark: "○", word: "not started", tone: "none" },
  running: { mark: "●", word: "running", tone: "run" },
  done: { mark: "✓", word: "done", tone: "good" },
  skipped: { mark: "–", word: "not needed", tone: "none" },
  failed: { mark: "✕", word: "failed", tone: "bad" },
  undone: { mark: "↶", word: "undone", tone: "warn" },
  undo_failed: { mark: "✕", word: "could not be undone", tone: "bad" },
};

export function stepSign(state: StepState | "waiting"): Sign {
  return STEPS[state];
}

const TONES: Record<Tone, Sign> = {
  info: { mark: "ℹ", word: "note", tone: "none" },
  good: { mark: "✓", word: "good", tone: "good" },
  warn: { mark: "●", word: "warning", tone: "warn" },
  bad: { mark: "✕", word: "bad", tone: "bad" },
};

export function toneSign(tone: Tone): Sign {
  return TONES[tone];
}
