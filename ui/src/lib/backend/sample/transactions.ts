import type { OpenTransaction } from "../../api/generated/OpenTransaction";
import type { Verdict } from "../../api/generated/Verdict";
import type { Scenario } from "./scenarios";

const client = { of: "client", waits_for: null, queued: false } as const;

/** Transactions in the way of the fence, where the scenario has some: of a client, of one that waits for its lock, and a prepared one. */
export function openTransactions(s: Scenario): OpenTransaction[] {
  if (!s.blocked) return [];
  return [
    { ...client, id: "4711-7f3a9c02", pid: 4711, application: "month end", user: "reports", address: "10.2.0.14:50122", age_ms: 754_000, state: "idle in transaction", statement: "UPDATE", table: "public.invoices", tables: 3 },
    { ...client, id: null, of: "prepared", pid: 0, application: "xa-20261124-17", user: "orders", address: "", age_ms: 81_000, state: "", statement: "", table: "public.payments", tables: 1 },
    { ...client, id: "4802-11c07be4", pid: 4802, application: "migrate", user: "deploy", address: "10.2.0.9:41870", age_ms: 4_200, state: "active", statement: "ALTER", waits_for: "Lock: relation", table: "public.orders", tables: 1, queued: true },
  ];
}

export function longTransactions(s: Scenario): Verdict {
  if (!s.blocked) return { verdict: "pass", evidence: "none holds a lock on a table in scope" };
  return {
    verdict: "fail",
    why: "process 4711 of “month end” at 10.2.0.14:50122, open for 12:34, idle in transaction, on public.invoices, limit 30 s; and 2 more",
    remedy: "Wait until it has ended; or end it where it comes from, or here, with a reason for the journal.",
  };
}
