import type { CopyCard } from "../../api/generated/CopyCard";
import type { EndpointRow } from "../../api/generated/EndpointRow";
import type { Limits } from "../../api/generated/Limits";
import type { TableResult } from "../../api/generated/TableResult";
import type { Validation } from "../../api/generated/Validation";

export const NAME = "orders-eu-to-18";

export function limits(demo: boolean): Limits {
  const hours: [number, number][] = [[1, 2], [5, 2], [10, 2], [25, 4], [50, 4], [100, 8]];
  return {
    template: demo ? "demo" : "normal",
    lag_limit_ms: 1000,
    lag_hold_s: demo ? 5 : 1800,
    validation_max_age_s: 86_400,
    canary_max_age_ms: 5000,
    hold_deadline_ms: 5000,
    lock_timeout_ms: 1000,
    sequence_margin: 1000,
    ladder: hours.map(([percent, h]) => ({ percent, soak_s: demo ? 2 : h * 3600 })),
    receive_only_s: demo ? 10 : 7 * 86_400,
    held_max_s: demo ? 600 : 8 * 3600,
    drill_max_age_s: demo ? 0 : 30 * 86_400,
    latency_ratio_percent: demo ? 300 : 150,
    latency_floor_ms: demo ? 500 : 5,
    latency_hold_s: demo ? 0 : 600,
    latency_min_samples: demo ? 20 : 200,
    errors_per_million: demo ? 100_000 : 1000,
    errors_min_samples: demo ? 20 : 200,
    errors_writes_per_million: demo ? 10_000 : 100,
    errors_always_from: 3,
    connections_headroom_percent: 10,
    headroom_hold_s: demo ? 0 : 60,
    headroom_min_samples: demo ? 1 : 20,
    slot_headroom_percent: 20,
    slot_kept_max_mb: 10_240,
    slot_runway_s: demo ? 60 : 3600,
    transaction_max_s: 30,
    soak_break_s: demo ? 3 : 10,
    step_back: false,
  };
}

export function endpoints(): EndpointRow[] {
  const common = { port: 5432, database: "orders", user: "switchyard", ca_file: "/etc/ssl/certs/orders-ca.pem" };
  return [
    { endpoint: { ...common, name: "orders-eu", host: "10.2.0.11", tls: "verify-full", peer_address: null }, password: "keyring", used_by: [] },
    { endpoint: { ...common, name: "orders-eu-18", host: "10.2.0.31", tls: "verify-full", peer_address: "orders-18.internal:5432" }, password: "keyring", used_by: [] },
    { endpoint: { ...common, name: "audit-replica", host: "/var/run/postgresql", tls: "disable", ca_file: null, peer_address: null }, password: "missing", used_by: [] },
  ];
}

const TABLES: [schema: string, name: string, rows: number][] = [
  ["public", "invoices", 81_204_118],
  ["public", "orders", 912_330_481],
  ["public", "order_lines", 1_302_118_007],
  ["public", "sessions", 4_120_553],
  ["public", "customers", 22_010_772],
  ["audit", "events_2026_11", 61_002_441],
  ["audit", "events_2026_10", 24_118_774],
  ["public", "blobs", 120_411],
  ["public", "Price List", 8_204],
  ["public", "shipments", 4_901_220],
  ["public", "shipment_events", 183_026],
  ["stock", "levels", 1_204_551],
  ["stock", "moves", 9_120_448],
];

/** 63 bytes, the longest name that PostgreSQL keeps. */
export const LONG_NAME = "Really \"long\" name of an orders archive with every part spelled";

/** The tables of the invented database: schema, name, rows. */
export function tableList(many: boolean): typeof TABLES {
  if (!many) return TABLES;
  const more = Array.from({ length: 200 }, (_, i): (typeof TABLES)[number] => ["archive", `${LONG_NAME.slice(0, 58)} ${i}`, 10_000 + i * 977]);
  return [...TABLES, ...more];
}

export function validation(differs: boolean, many: boolean, now: number): Validation {
  const tables: TableResult[] = tableList(many).map(([schema, name, rows], i) => ({
    table: { schema, name },
    rows_source: rows,
    rows_target: rows - (differs && name === "invoices" ? 1 : 0),
    outcome:
      differs && name === "invoices"
        ? { outcome: "different", why: "3 rows differ in columns total, issued_at" }
        : differs && name === "sessions"
          ? { outcome: "hot", attempts: 5 }
          : differs && name === "blobs"
            ? { outcome: "not_compared", why: "no primary key: add one, or a replica identity" }
            : { outcome: "equal" },
    ms: 120 + (rows / 1e9) * 71_000 + i,
    at: now - 740_000 + i * 9000,
  }));
  return { tables, at: now - 620_000, ms: 2_461_000 };
}

export function copy(progress: number, many: boolean): CopyCard {
  const list = tableList(many);
  const tables = list.map(([schema, name, rows], i) => {
    const done = Math.min(1, Math.max(0, progress * list.length - i));
    return {
      table: `${schema}.${name}`,
      state: done >= 1 ? ("ready" as const) : done > 0.97 ? ("catching_up" as const) : done > 0 ? ("copying" as const) : ("waiting" as const),
      rows_done: Math.round(rows * done),
      rows_total: rows,
      eta_s: done > 0 && done < 1 ? Math.round(((1 - done) * rows) / 612_000) : null,
    };
  });
  const sum = (f: (t: (typeof tables)[number]) => number) => tables.reduce((n, t) => n + f(t), 0);
  const done = tables.every((t) => t.state === "ready");
  const left = sum((t) => t.rows_total - t.rows_done);
  return {
    tables_done: tables.filter((t) => t.state === "ready").length,
    tables_total: tables.length,
    rows_done: sum((t) => t.rows_done),
    rows_total: sum((t) => t.rows_total),
    eta_s: done ? 0 : Math.round(left / 612_000),
    rows_per_s: done ? null : 612_404,
    done,
    tables,
  };
}
