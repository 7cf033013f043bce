import type { TableStanding } from "../api/generated/TableStanding";

export interface Sums {
  tables: number;
  /** Rows that stayed different, and tables that hold them. */
  findings: number;
  different: number;
  /** Tables that are not proven, and why. */
  unproven: number;
  notCompared: number;
  hot: number;
  /** Rows of the side with more of them, in tables that were compared. */
  rows: number;
  compared: number;
  /** The table whose full pass is longest ago; null until each had one. */
  oldest: TableStanding | null;
}

/** What the tables' standings add up to. The verdicts are the engine's; here they are only counted. */
export function sumsOf(tables: TableStanding[]): Sums {
  const sums: Sums = { tables: tables.length, findings: 0, different: 0, unproven: 0, notCompared: 0, hot: 0, rows: 0, compared: 0, oldest: null };
  for (const table of tables) {
    const { standing } = table;
    sums.findings += standing.findings;
    sums.hot += standing.hot;
    if (standing.verdict === "different") sums.different += 1;
    if (standing.verdict === "unproven") sums.unproven += 1;
    if (standing.verdict === "not_compared") sums.notCompared += 1;
    else if (standing.full_at > 0) {
      sums.compared += 1;
      sums.rows += Math.max(standing.rows_source, standing.rows_target);
      if (sums.oldest === null || standing.full_at < sums.oldest.standing.full_at) sums.oldest = table;
    }
  }
  return sums;
}
