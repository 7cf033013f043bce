import type { ColumnDifference } from "../../api/generated/ColumnDifference";
import type { Finding } from "../../api/generated/Finding";

type Row = Pick<Finding, "key" | "kind" | "columns"> & Partial<Finding>;

const differs = (id: string, ...columns: ColumnDifference[]): Row => ({ key: [["id", id]], kind: "different", columns });
const column = (name: string, source: string | null, target: string | null): ColumnDifference => ({ column: name, source, target });

const LETTER = Array.from({ length: 40 }, (_, i) => `${i + 1}. Goods listed under position ${i + 1} were delivered to dock ${(i * 7) % 12} and counted twice.`).join(" ");
const SCAN = Array.from({ length: 600 }, (_, i) => ((i * 167 + 41) % 256).toString(16).padStart(2, "0")).join("");
const LONG = "The quick brown fox jumps over the lazy dog. ".repeat(240).slice(0, 10_000);

/** One of every kind of difference that a person may have to read. */
const EACH: Row[] = [
  differs("40118552", column("total", "1240.50", "1240.05"), column("issued_at", "2026-11-24 11:58:03.120417+00", "2026-11-24 11:58:03.120420+00")),
  { key: [["id", "40118553"]], kind: "missing_on_target", columns: [] },
  differs("40118561", column("note", LETTER, LETTER.replace("position 21 were delivered to dock", "position 21 was delivered to Dock"))),
  differs("40118570", column("discount", null, "NULL"), column("customer_ref", "", null), column("po_number", "PO 4471 ", "PO\u00a04471")),
  differs("40118588", column("scan", `\\x89504e470d0a1a0a${SCAN}`, `\\x89504e470d0a1a0a${SCAN.slice(0, 640)}ff${SCAN.slice(642)}`)),
  { key: [["id", "40118590"]], kind: "only_on_target", columns: [] },
  differs("40118602", column("status", "paid", "refunded"), column("flags", "{t,NULL,f}", "{t,f,f}"), column("meta", '{"seats": 4, "promo": "AUTUMN"}', '{"seats": 4, "promo": "Autumn"}')),
  differs("40118640", column("history", LONG, LONG), column("amount", "0.1", "0.1")),
];

/** So many findings of `public.invoices`: first one of each kind, then what a lost batch looks like. */
export function invoiceFindings(count: number, at: number): Finding[] {
  return Array.from({ length: count }, (_, i) => {
    const cents = String((i * 37) % 100).padStart(2, "0");
    const row = EACH[i] ?? differs(String(40118700 + i * 13), column("total", `${i % 900}.${cents}`, `${i % 900}.00`));
    return { rows_source: row.kind === "only_on_target" ? 0 : 1, rows_target: row.kind === "missing_on_target" ? 0 : 1, at: at - (i % 50) * 1_000, ...row };
  });
}

/** Rows of a table without a key: they are counted, not named. */
export function uncountedFindings(at: number): Finding[] {
  const row = (sku: string, price: string): [string, string][] => [["sku", sku], ["currency", "EUR"], ["price", price], ["valid_from", "2026-11-01"], ["remark", ""]];
  return [
    { key: row("A-100 blue", "12.40"), kind: "different", columns: [], rows_source: 2, rows_target: 1, at },
    { key: row("B-7", "0.99"), kind: "missing_on_target", columns: [], rows_source: 1, rows_target: 0, at },
  ];
}
