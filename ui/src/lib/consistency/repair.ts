import type { Command } from "../api/generated/Command";
import type { TableName } from "../api/generated/TableName";

/** The repair of chosen findings, of a table's, or of all: nothing named means all there is. */
export function repairOf(table: TableName | null, findings: number[] = []): Command {
  return { command: "repair", table, findings };
}
