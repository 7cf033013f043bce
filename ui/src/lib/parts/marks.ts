import type { Check } from "../api/generated/Check";
import type { Judged } from "../api/generated/Judged";
import type { StepState } from "../api/generated/StepState";
import type { Tone } from "../api/generated/Tone";

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

type Verdictish = { verdict: "pass" | "fail" | "unknown" };

function signOf(verdict: Verdictish): Sign {
  if (verdict.verdict === "pass") return PASS;
  return verdict.verdict === "fail" ? FAIL : UNKNOWN;
}

/** A gate that opens by itself waits; it does not fail. */
export function gateSign(gate: Judged): Sign {
  if (gate.verdict === "fail" && gate.opens_at !== null) return WAITS;
  return signOf(gate);
}

/** `waiting` names the gates that open by themselves: a check of the same name waits with them. */
export function checkSign(check: Check, waiting: ReadonlySet<string>): Sign {
  if (check.sign_off.kind === "signed") return { ...PASS, word: "signed off" };
  if (check.sign_off.kind === "wanted") return { ...WAITS, word: "waits for a person" };
  const gate = check.id.slice(check.id.lastIndexOf(".") + 1);
  return check.verdict.verdict === "fail" && waiting.has(gate) ? WAITS : signOf(check.verdict);
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
  info: { mark: "·", word: "note", tone: "none" },
  good: { mark: "✓", word: "good", tone: "good" },
  warn: { mark: "●", word: "warning", tone: "warn" },
  bad: { mark: "✕", word: "bad", tone: "bad" },
};

export function toneSign(tone: Tone): Sign {
  return TONES[tone];
}
