import type { Cockpit } from "../api/generated/Cockpit";
import { lagText, share, silence } from "../format";
import { blocks } from "../parts/marks";
import { isOld } from "../parts/fresh";
import { totals } from "../consistency/totals";
import type { PageId } from "./pages";

export interface Badge {
  text: string;
  tone: "good" | "warn" | "bad" | "run" | "none";
  /** The badge in words, for a reader's software and the tooltip. */
  says: string;
}

function schema(data: Cockpit): Badge | null {
  const checks = data.phases
    .filter((p) => p.phase === "schema_analysis" || p.phase === "compatibility_layer")
    .flatMap((p) => p.checks);
  if (checks.length === 0) return null;
  const failed = checks.filter((c) => c.sign_off.kind === "computed" && c.verdict.verdict === "fail");
  const blocking = failed.filter(blocks).length;
  if (blocking > 0) return { text: `✕ ${blocking}`, tone: "bad", says: `${blocking} checks fail` };
  const unknown = checks.filter((c) => c.sign_off.kind !== "signed" && c.verdict.verdict === "unknown").length;
  if (failed.length > 0) return { text: `▲ ${failed.length}`, tone: "warn", says: `${failed.length} checks fail, none of them blocks` };
  return unknown > 0
    ? { text: `○ ${unknown}`, tone: "none", says: `${unknown} checks are not known` }
    : { text: "✓ 0", tone: "good", says: "no check fails" };
}

function replication(data: Cockpit, now: number): Badge | null {
  if (data.lag === null) return null;
  if (isOld(data.lag, now)) return { text: `◷ ${silence(now - data.lag.at)}`, tone: "warn", says: "without a measured lag" };
  const above = data.lag.now_ms > data.lag.limit_ms;
  return {
    text: `${above ? "✕ " : ""}${lagText(data.lag.now_ms)}`,
    tone: above ? "bad" : "none",
    says: above ? "lag, above its limit" : "lag, within its limit",
  };
}

function consistency(data: Cockpit): Badge | null {
  const sum = data.validation === null ? null : totals(data.validation);
  if (sum !== null && sum.different > 0) return { text: `✕ ${sum.different}`, tone: "bad", says: `${sum.different} tables differ` };
  // What the background found since the last validation.
  const gate = data.gates.find((g) => g.gate === "consistency");
  if (gate?.verdict === "fail") return { text: "✕", tone: "bad", says: gate.why };
  if (sum === null) return null;
  const equal = share(sum.rowsEqual, sum.rows, 0);
  return { text: `${equal} %`, tone: equal === "100" ? "good" : "warn", says: "rows verified equal" };
}

/** The live figure beside a page's name; null where nothing was measured. */
export function badgeOf(page: PageId, data: Cockpit, now: number): Badge | null {
  if (page === "schema") return schema(data);
  if (page === "replication") return replication(data, now);
  if (page === "consistency") return consistency(data);
  if (page === "traffic") return { text: `${data.reads_on_target} %`, tone: "run", says: "of reads on target" };
  return null;
}
