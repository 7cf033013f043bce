import type { DigestView } from "../../api/generated/DigestView";
import { SLOW } from "./queries";

/** An invented digest of pgBadger: it has no percentiles. */
export function sampleDigest(file: string): DigestView {
  return {
    file,
    kind: "pgbadger",
    logs: ["/var/log/postgresql/monday.csv"],
    from: "2026-11-28 21:10:28",
    to: "2026-11-28 23:59:59",
    calls: 8_412,
    statements: [
      {
        shape: { id: SLOW, text: "select id, total, state from orders where customer_id = $1 order by id desc limit $2", does: "read", tables: ["orders"] },
        calls: 8_412,
        total_ms: 1_766,
        mean_ms: 0.21,
        min_ms: 0.08,
        max_ms: 41.5,
        p50_ms: null,
        p95_ms: null,
      },
    ],
    total: 1,
    errors: [{ message: "ERROR: deadlock detected", count: 3, state: "40P01", class: "transaction rolled back", statement: null }],
    failed: 3,
    cannot_see: "It knows what the log held and nothing else.",
    notes: [],
    known: [{ id: SLOW, source_ms: 0.21, target_ms: 41.8 }],
  };
}
