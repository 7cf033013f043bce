import type { Check } from "../api/generated/Check";
import { blocks } from "../parts/marks";

function rank(check: Check): number {
  if (check.sign_off.kind === "signed") return 3;
  if (check.sign_off.kind === "wanted") return 1;
  if (check.verdict.verdict === "fail") return check.opens_at !== null ? 2 : blocks(check) ? 0 : 1;
  return check.verdict.verdict === "unknown" ? 1 : 3;
}

/** What fails and blocks first, then what else fails or is missing, then what waits, then the rest; each in the engine's order. */
export function openFirst(checks: Check[]): Check[] {
  return [...checks].sort((a, b) => rank(a) - rank(b));
}
