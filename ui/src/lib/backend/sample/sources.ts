import type { QuerySource } from "../../api/generated/QuerySource";
import type { QuerySourceKind } from "../../api/generated/QuerySourceKind";
import type { QuerySources } from "../../api/generated/QuerySources";
import type { Side } from "../../api/generated/Side";
import type { SourceFigure } from "../../api/generated/SourceFigure";

const TITLES: Record<QuerySourceKind, [string, string]> = {
  statements: ["pg_stat_statements", "No percentiles, no values of parameters, and no statement that failed."],
  log: ["server log", "Nothing that the server's settings do not log."],
  activity: ["pg_stat_activity", "What ran between two looks."],
  database: ["pg_stat_database", "No statement and no role: sums of everybody in this database."],
  pgbouncer: ["PgBouncer SHOW STATS", "Means and sums of a database alone: no percentiles, no statement and no error."],
  haproxy: ["HAProxy show stat", "Sessions and not statements; no SQL error."],
};

function source(kind: QuerySourceKind, name: string, side: Side | null, figures: SourceFigure[]): QuerySource {
  const [title, cannot_see] = TITLES[kind];
  return { kind, title, name, side, state: "usable", why: null, remedy: null, since: null, was_reset: false, figures, cannot_see, notes: [] };
}

const figure = (name: string, value: number, unit: SourceFigure["unit"], of = ""): SourceFigure => ({ of, name, value, unit });

/** Invented sources: the target's log cannot be read, and its statements are counted only once the schema is there. */
export function sampleSources(copied: boolean, seconds: number): QuerySources {
  const sides: [string, Side][] = [
    ["orders-eu", "source"],
    ["orders-eu-18", "target"],
  ];
  const sources = sides.flatMap(([name, side]) => [
    source("statements", name, side, [figure("statements", 214, "count"), figure("calls", 1_204.2, "per_s"), figure("run time, mean", 0.41, "ms")]),
    source("log", name, side, [figure("size", 48_400_112, "bytes"), figure("written", 20_400, "bytes_per_s")]),
    source("activity", name, side, [figure("sessions", 42, "count"), figure("active", 3, "count")]),
    source("database", name, side, [figure("commits", 812, "per_s"), figure("deadlocks", 0, "per_s"), figure("deadlocks", 2, "count")]),
  ]);
  for (const one of sources.filter((s) => s.side === "target")) {
    if (one.kind === "log") Object.assign(one, { state: "unusable", why: "Looking for the log on orders-eu-18: permission denied for function pg_current_logfile (SQLSTATE 42501).", remedy: "Grant pg_monitor to our role.", figures: [] });
    if (one.kind === "statements" && !copied) Object.assign(one, { state: "unusable", why: "pg_stat_statements is not installed in its database.", remedy: "Run CREATE EXTENSION pg_stat_statements there.", figures: [] });
  }
  sources.push(
    source("pgbouncer", "PgBouncer pgb-1:6432", null, [figure("queries", 1_190, "per_s", "orders_rw"), figure("query time, mean", 0.38, "ms", "orders_rw")]),
    source("haproxy", "HAProxy lb-1:9999", "source", [figure("sessions now", 12, "count", "rw/source")]),
    source("haproxy", "HAProxy lb-1:9999", "target", [figure("sessions now", 0, "count", "rw/target")]),
  );
  return { at: Date.now(), seconds, sources };
}
