import type { Cockpit } from "../api/generated/Cockpit";
import type { RunCard } from "../api/generated/RunCard";
import type { Stopwatch } from "../api/generated/Stopwatch";

/** The stopwatch that belongs to a run: the newest switch in its direction, if it happened during the run. */
export function stopwatchOf(card: RunCard, data: Cockpit): Stopwatch | null {
  if (card.ended === null) return null;
  const newest =
    card.command.command === "roll_back"
      ? data.last_rollback
      : card.command.command === "switch_writes"
        ? data.last_forward
        : null;
  return newest !== null && newest.at >= card.started ? newest.stopwatch : null;
}
