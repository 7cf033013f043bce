import type { Act } from "../api/generated/Act";
import type { DrillRecord } from "../api/generated/DrillRecord";
import type { DrillResult } from "../api/generated/DrillResult";

/** What a record's drill came to; null while it is open. */
export function resultOf(record: DrillRecord | null): DrillResult | null {
  return record?.ended?.[1] ?? null;
}

/** When it ended; null while it is open. */
export function endedAt(record: DrillRecord | null): number | null {
  return record?.ended?.[0] ?? null;
}

/** `10 % of reads`, `writes`. */
export function moved(act: Act): string {
  return act.act === "writes" ? "writes" : `${act.percent} % of reads`;
}

/** The parts of a drill's time, in their order, ms since the failure; null where one never came. */
export function parts(result: DrillResult): { what: string; ms: number | null; by: string | null }[] {
  return [
    { what: "Noticed", ms: result.noticed_ms, by: result.noticed_by },
    { what: "Decided", ms: result.decided_ms, by: null },
    { what: "Routed back, read back", ms: result.routed_back_ms, by: null },
    { what: "Last request on the target", ms: result.last_request_on_target_ms, by: null },
  ];
}
