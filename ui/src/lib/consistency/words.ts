import type { Activity } from "../api/generated/Activity";
import type { Finding } from "../api/generated/Finding";
import type { Following } from "../api/generated/Following";
import type { Side } from "../api/generated/Side";
import type { Standing } from "../api/generated/Standing";
import type { TableName } from "../api/generated/TableName";
import type { TableVerdict } from "../api/generated/TableVerdict";
import { int, plural } from "../format";
import type { Sign } from "../parts/marks";

/** A table by the name that people write; also what tells tables apart on the page. */
export function nameOf(table: TableName): string {
  return `${table.schema}.${table.name}`;
}

const VERDICTS: Record<TableVerdict, Sign> = {
  equal: { mark: "✓", word: "equal", tone: "good" },
  different: { mark: "✕", word: "differs", tone: "bad" },
  unproven: { mark: "◐", word: "unproven", tone: "warn" },
  not_compared: { mark: "○", word: "not compared", tone: "warn" },
};

export function verdictSign(verdict: TableVerdict): Sign {
  return VERDICTS[verdict];
}

const ACTIVITIES: Record<Activity, Sign> = {
  off: { mark: "○", word: "Off", tone: "none" },
  paused: { mark: "‖", word: "Paused", tone: "warn" },
  waiting: { mark: "●", word: "Waits", tone: "warn" },
  full_pass: { mark: "●", word: "Full pass", tone: "run" },
  following: { mark: "✓", word: "Following changes", tone: "good" },
};

/** Between two full passes nothing is verified where changes cannot be followed. */
const BETWEEN: Sign = { mark: "●", word: "Between full passes", tone: "warn" };

export function activitySign(following: Following): Sign {
  return following.activity === "following" && following.since === null ? BETWEEN : ACTIVITIES[following.activity];
}

/** What the comparison in the background does, after its word. Where it stands still because of a trouble, that is why. */
export function activityWords(following: Following): string {
  switch (following.activity) {
    case "off":
      return "nothing is compared in the background.";
    case "paused":
      return "nothing is read until somebody resumes it; verdicts grow old meanwhile.";
    case "waiting":
      return following.trouble === null
        ? "it goes on by itself once no command runs and the lag is within its limit."
        : "it goes on by itself once this is mended.";
    case "full_pass":
      return following.pass === null ? "every row of both sides is compared." : `every row of ${plural(following.pass.tables_total, "table")} is compared.`;
    case "following":
      return following.since === null ? "changes are not followed now." : "each changed row is verified as it comes.";
  }
}

/** What is wrong with a row, seen from the side whose rows count. */
export function kindWords(finding: Finding, authority: Side): string {
  const { kind, rows_source, rows_target } = finding;
  if (rows_source > 1 || rows_target > 1) return `${int(rows_source)} × on the source, ${int(rows_target)} × on the target`;
  const other = authority === "source" ? "target" : "source";
  if (kind === "different") return `differs on the ${other}`;
  const lacking = kind === "missing_on_target" ? "target" : "source";
  return lacking === other ? `missing on the ${other}` : `only on the ${other}`;
}

/** How changed rows of a table come to be verified; `followed` says whether changes are followed at all now. */
export function followWords(standing: Standing, followed: boolean): string {
  if (!standing.follows) return "changes not followed: compared as a whole";
  return `${followed ? "changes followed" : "changes not followed now"}, ${int(standing.changed)} verified`;
}

/** A difference with its sign: a plus is as much to say as a minus. */
export function signed(n: number): string {
  return n > 0 ? `+${int(n)}` : int(n);
}

/** How many rows came or went since the full pass before; both sides where they disagree. */
export function sinceBefore(standing: Standing): string | null {
  if (standing.rows_before === null) return null;
  const [source, target] = [standing.rows_source - standing.rows_before[0], standing.rows_target - standing.rows_before[1]];
  return source === target ? signed(source) : `${signed(source)} / ${signed(target)}`;
}
