import type { TableResult } from "../api/generated/TableResult";
import type { Validation } from "../api/generated/Validation";

export interface Totals {
  tables: number;
  rows: number;
  rowsEqual: number;
  different: number;
  hot: number;
  notCompared: number;
}

/** What one pass adds up to. A table's rows count as equal only when the whole table was proven equal. */
export function totals(validation: Validation): Totals {
  const sum: Totals = { tables: validation.tables.length, rows: 0, rowsEqual: 0, different: 0, hot: 0, notCompared: 0 };
  for (const t of validation.tables) {
    const rows = Math.max(t.rows_source, t.rows_target);
    sum.rows += rows;
    if (t.outcome.outcome === "equal") sum.rowsEqual += rows;
    else if (t.outcome.outcome === "different") sum.different += 1;
    else if (t.outcome.outcome === "hot") sum.hot += 1;
    else sum.notCompared += 1;
  }
  return sum;
}

const RANK: Record<TableResult["outcome"]["outcome"], number> = { different: 0, hot: 1, not_compared: 2, equal: 3 };

/** Differing first, then unproven, then by name: what needs a person stands on top. */
export function sorted(tables: TableResult[]): TableResult[] {
  const name = (t: TableResult) => `${t.table.schema}.${t.table.name}`;
  return [...tables].sort(
    (a, b) => RANK[a.outcome.outcome] - RANK[b.outcome.outcome] || name(a).localeCompare(name(b)),
  );
}
