/** The pages of one migration and of the store, in the order of the navigation. */
export type PageId =
  | "overview"
  | "schema"
  | "replication"
  | "consistency"
  | "queries"
  | "traffic"
  | "drills"
  | "timeline"
  | "pools"
  | "report"
  | "journal"
  | "migrations"
  | "new"
  | "endpoints";

export interface Page {
  id: PageId;
  label: string;
  /** The single key that leads there. */
  key: string;
  group: "work" | "record" | "store";
}

export const PAGES: readonly Page[] = [
  { id: "overview", label: "Overview", key: "1", group: "work" },
  { id: "schema", label: "Schema", key: "2", group: "work" },
  { id: "replication", label: "Replication", key: "3", group: "work" },
  { id: "consistency", label: "Consistency", key: "4", group: "work" },
  { id: "queries", label: "Queries", key: "5", group: "work" },
  { id: "traffic", label: "Traffic", key: "6", group: "work" },
  { id: "drills", label: "Drills", key: "7", group: "work" },
  { id: "timeline", label: "Timeline", key: "t", group: "record" },
  { id: "pools", label: "Pools", key: "p", group: "record" },
  { id: "report", label: "Report", key: "r", group: "record" },
  { id: "journal", label: "Journal", key: "j", group: "record" },
  { id: "migrations", label: "Migrations", key: "m", group: "store" },
  { id: "endpoints", label: "Endpoints", key: "e", group: "store" },
];

/** Pages that need no migration. */
export const STORE_PAGES: readonly PageId[] = ["migrations", "new", "endpoints"];

/** Pages that later work fills: what will stand there, said without pretending that anything was measured. */
export const UNFILLED: Partial<Record<PageId, { will: string; now: string }>> = {
  report: {
    will: "One document for the change record: what was moved, measured, signed off and by whom.",
    now: "No report is made. The journal can be read and filtered.",
  },
};
