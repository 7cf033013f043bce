import type { Endpoint } from "../../api/generated/Endpoint";
import type { EndpointRow } from "../../api/generated/EndpointRow";
import type { Event } from "../../api/generated/Event";
import type { Exported } from "../../api/generated/Exported";
import type { Written } from "../../api/generated/Written";
import type { MigrationRow } from "../../api/generated/MigrationRow";
import { ApiFault, type Args, type Backend, type CommandName, type Result, type Unlisten } from "../backend";
import { drawChart } from "./chart";
import { endpoints, limits, NAME } from "./data";
import { sampleDigest } from "./digest";
import { SampleDrills } from "./drills";
import { SampleDualWrite } from "./dualWrite";
import { SampleMetrics } from "./metrics";
import { SamplePools } from "./pools";
import { SampleQueries } from "./queries";
import { SampleRehearse } from "./rehearse";
import { SampleShadow } from "./shadow";
import { sampleSources } from "./sources";
import { SampleSchema } from "./schema";
import { SampleTimeline } from "./timeline";
import { openTransactions } from "./transactions";
import { World } from "./world";

/** An answer takes a moment, as a real one does. */
const ANSWER_MS = 15;

type Handlers = { [K in CommandName]: (args: Args<K>) => Result<K> };

function refused(message: string, remedy: string, code = "refused"): ApiFault {
  return new ApiFault({ code, message, remedy });
}

/** Believable answers without an engine, for tests and for looking at every state of the screen. */
export class SampleBackend implements Backend {
  readonly world: World;
  readonly #schema: SampleSchema;
  readonly #timeline: SampleTimeline;
  readonly #pools: SamplePools;
  readonly #drills: SampleDrills;
  readonly #dual: SampleDualWrite;
  readonly #queries: SampleQueries;
  readonly #metrics: SampleMetrics;
  readonly #shadow = new SampleShadow();
  readonly #rehearse: SampleRehearse;
  rows: EndpointRow[];
  created: MigrationRow[] = [];
  #listeners = new Set<(event: Event) => void>();
  /** How often the standings were asked for. */
  #looked = 0;

  constructor(scenario: string) {
    this.world = new World(scenario, () => this.emit({ event: "changed", migration: NAME }));
    this.#schema = new SampleSchema(this.world.s);
    this.#timeline = new SampleTimeline(this.world.s);
    this.#pools = new SamplePools(this.world.s);
    this.#drills = new SampleDrills(this.world.s);
    this.#dual = new SampleDualWrite(this.world.s);
    this.#queries = new SampleQueries(this.world.s);
    this.#metrics = new SampleMetrics(this.world.s.phasesDone >= 3);
    this.#rehearse = new SampleRehearse(this.world.s.phasesDone >= 3);
    this.rows = this.world.s.endpoints ? endpoints() : [];
    if (this.world.s.migration) {
      for (const row of this.rows.slice(0, 2)) row.used_by = [NAME];
      this.created = [
        { name: NAME, source: "orders-eu", target: "orders-eu-18", headline: this.world.cockpit().headline, authority: this.world.s.authority, created: this.world.began - 30_000_000, over: false },
        { name: "billing-rehearsal", source: "billing", target: "billing-18", headline: "cleaned up", authority: "target", created: this.world.began - 900_000_000, over: true },
      ];
    }
  }

  async call<K extends CommandName>(name: K, args: Args<K>): Promise<Result<K>> {
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    return structuredClone(this.#handlers[name](args));
  }

  listen(cb: (event: Event) => void): Promise<Unlisten> {
    this.#listeners.add(cb);
    return Promise.resolve(() => this.#listeners.delete(cb));
  }

  menu(): Promise<Unlisten> {
    return Promise.resolve(() => undefined);
  }

  async exportFindings(migration: string): Promise<Exported | null> {
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    if (this.world.s.compared === "lost") throw refused("The file cannot be written: no space is left on the disk.", "Free some space, or choose another disk.", "failed");
    return { file: `/home/ops/${migration}-differences.csv`, findings: 1_204, hot: 6, hot_unnamed: 0, bytes: 312_940 };
  }

  async exportTimeline(migration: string): Promise<Written | null> {
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    return { file: `/home/ops/${migration}-timeline.html`, bytes: 18_204 };
  }

  emit(event: Event): void {
    for (const listener of this.#listeners) listener(event);
  }

  #save(endpoint: Endpoint, password: string | null, rename: string | null): EndpointRow {
    const before = this.rows.find((r) => r.endpoint.name === (rename ?? endpoint.name));
    const known = password !== null || (before !== undefined && before.password !== "missing");
    const place = this.world.s.keyring ? ("keyring" as const) : ("memory" as const);
    const row: EndpointRow = { endpoint, password: known ? place : "missing", used_by: before?.used_by ?? [] };
    this.rows = [...this.rows.filter((r) => r !== before), row];
    return row;
  }

  readonly #handlers: Handlers = {
    app_info: () => ({
      version: "0.1.0",
      store: "/home/ann/.local/share/switchyard/switchyard.db",
      operator: "ann@ops-laptop (4711)",
      keyring: this.world.s.keyring ? { state: "available" } : { state: "unavailable", why: "No secret service answers on the session bus." },
    }),
    endpoint_list: () => ({ endpoints: this.rows }),
    endpoint_save: ({ endpoint, password, rename_from }) => this.#save(endpoint, password, rename_from),
    endpoint_delete: ({ name }) => {
      const row = this.rows.find((r) => r.endpoint.name === name);
      if (row && row.used_by.length > 0) throw refused(`${name} is used by ${row.used_by.join(", ")}.`, "Clean that migration up first.");
      this.rows = this.rows.filter((r) => r !== row);
      return {};
    },
    endpoint_test: ({ endpoint, password }) =>
      password === "wrong" || endpoint.host === "nowhere"
        ? { ok: false, version: null, encrypted: null, tls: null, ms: null, sentence: `${endpoint.host}:${endpoint.port} refused the password of ${endpoint.user}.`, remedy: "Type the password again, or look at pg_hba.conf on the server." }
        : { ok: true, version: "PostgreSQL 15.20", encrypted: true, tls: "TLS 1.3, certificate and host verified", ms: 14.2, sentence: `${endpoint.name || endpoint.host} can be used: ${endpoint.user} may replicate and create publications.`, remedy: null },
    endpoint_read_url: ({ url }) => {
      const read = new URL(url);
      if (read.pathname.length < 2) throw refused("The URL names no database.", "Write it as postgres://user:password@host:port/database.", "invalid");
      return {
        endpoint: {
          name: read.pathname.slice(1),
          host: read.hostname,
          port: Number(read.port || 5432),
          database: read.pathname.slice(1),
          user: decodeURIComponent(read.username),
          tls: (read.searchParams.get("sslmode") ?? "prefer") as Endpoint["tls"],
          ca_file: read.searchParams.get("sslrootcert"),
          peer_address: null,
        },
        password: read.password === "" ? null : decodeURIComponent(read.password),
      };
    },
    endpoint_importable: () => ({
      services: this.world.s.migration || this.world.s.endpoints
        ? [{ endpoint: { name: "reporting", host: "10.2.0.44", port: 5432, database: "reporting", user: "dba", tls: "require", ca_file: null, peer_address: null }, has_password: true }]
        : [],
      problems: this.world.s.keyring ? [] : ["/home/ann/.pgpass is readable by others and was not read: chmod 600 it."],
    }),
    endpoint_import: ({ name }) =>
      this.#save({ name, host: "10.2.0.44", port: 5432, database: name, user: "dba", tls: "require", ca_file: null, peer_address: null }, "from .pgpass", null),
    migration_list: () => ({ migrations: this.created }),
    migration_create: (ask) => {
      const row: MigrationRow = { name: ask.name, source: ask.source, target: ask.target, headline: "nothing read yet", authority: "source", created: Date.now(), over: false };
      this.created = [row, ...this.created];
      return row;
    },
    cockpit: ({ name }) => {
      if (this.world.s.down) throw refused("The store could not be opened: the disk is full.", "Free some space where the store lies, then ask again.", "store");
      if (name !== NAME && !this.created.some((m) => m.name === name)) throw refused(`There is no migration named ${name}.`, "Choose one from the list.", "not_found");
      return this.world.cockpit();
    },
    preview: ({ command }) => this.world.preview(command),
    run: ({ command, reason }) => ({ ticket: this.world.run(command, reason) }),
    command_result: ({ ticket }) => this.world.results.get(ticket) ?? { state: "waiting" },
    sign_off: ({ check, name, reason }) => {
      this.world.signed.set(check, { by: name, reason, at: Date.now() });
      this.world.journal.add({ entry: "signed_off", check, by_name: name, reason }, `${name} signed off ${check}: ${reason}`, "good");
      return {};
    },
    override_gate: ({ gate, name, reason }) => {
      this.world.overridden.set(gate, name);
      this.world.journal.add({ entry: "overridden", gate, by_name: name, reason }, `${name} overrode the gate ${gate} for the next run: ${reason}`, "warn");
      return {};
    },
    limits_templates: () => ({ templates: [limits(false), { ...limits(false), template: "cautious", lag_limit_ms: 500 }, limits(true)] }),
    set_limits: ({ limits }) => {
      this.world.limits = limits;
      this.world.journal.add({ entry: "limits_changed", limits }, "The limits were changed", "warn");
      return {};
    },
    provide_password: () => {
      this.world.s.passwords = [];
      return {};
    },
    journal: ({ after, limit }) => ({
      lines: this.world.journal.lines.filter((l) => l.recorded.seq > after).slice(-limit),
      newest: this.world.journal.lines.length,
    }),
    consistency: () => {
      const { compared } = this.world.s;
      if (compared === "unreadable" || (compared === "lost" && this.#looked++ > 0)) {
        throw refused("The store could not be read: the disk answers with I/O errors.", "Look at the disk on which the store lies.", "store");
      }
      return this.world.consistency.answer();
    },
    schema_differences: () => {
      if (this.world.s.compared === "unreadable") throw refused("orders-eu-18 does not answer: connection refused.", "Look at the server and its firewall.", "unreachable");
      return this.#schema.view();
    },
    transactions: () => ({ side: this.world.s.authority, endpoint: "orders-eu", at: Date.now(), limit_s: this.world.limits.transaction_max_s, open: openTransactions(this.world.s), more: 0 }),
    end_transaction: ({ id, name, reason }) => {
      const which = openTransactions(this.world.s).find((t) => t.id === id);
      if (which === undefined) throw refused(`No transaction “${id}” is in the way any more.`, "Nothing is left to end; look at the list again.", "not_found");
      this.world.s.blocked = false;
      const transaction = `process ${which.pid} of “${which.application}”`;
      this.world.journal.add({ entry: "transaction_end_asked", side: "source", transaction, by_name: name, reason }, `${name ?? "Somebody"} asked for the end of ${transaction}, on the source: ${reason}`, "warn");
      return { said: `Process ${which.pid} on orders-eu has ended; its transaction was rolled back.` };
    },
    accept_difference: ({ entry }) => {
      this.#schema.accepted.push(entry);
      const said = { difference: `${entry.kind} ${entry.object}, ${entry.what}`, by_name: entry.by ?? null, reason: entry.reason };
      this.world.journal.add({ entry: "difference_accepted", ...said }, `${said.by_name ?? "Somebody"} accepted that ${said.difference} differs: ${said.reason}`, "warn");
      return {};
    },
    take_back_difference: ({ entry }) => {
      this.#schema.takeBack(entry);
      return {};
    },
    measure_pair: () => {
      if (this.world.s.sourceProblem !== null) throw refused("orders-eu does not answer: connection refused.", "Look at the server and its firewall.", "unreachable");
      this.#timeline.measure();
      return {};
    },
    timeline: (ask) => {
      if (this.world.s.compared === "unreadable") throw refused("The store could not be read: the disk answers with I/O errors.", "Look at the disk on which the store lies.", "store");
      return this.#timeline.view(ask);
    },
    change_timeline: ({ edits }) => {
      const wrong = edits.start !== null && Number.isNaN(Date.parse(edits.start));
      if (wrong) throw refused(`“${edits.start ?? ""}” is not a day: write it as 2026-11-24.`, "Correct the input.", "invalid");
      this.#timeline.edits = edits;
      return {};
    },
    pools: ({ pool }) => {
      if (this.world.s.sourceProblem !== null || this.world.s.compared === "unreadable") throw refused("orders-eu does not answer: connection refused.", "Look at the server and its firewall.", "unreachable");
      return this.#pools.view(pool);
    },
    pools_now: () => this.#pools.now(),
    drills: () => this.#drills.view(),
    dual_write: () => this.#dual.view(),
    dual_write_on: (args) => this.#dual.on(args),
    dual_write_off: () => this.#dual.off(),
    drill_start: (args) => this.#drills.start(args),
    drill_schedule: (args) => this.#drills.schedule(args),
    set_canary: () => ({}),
    metrics: () => this.#metrics.view(),
    metric_try: (form) => this.#metrics.tried(form),
    metric_set: (form) => this.#metrics.set(form),
    metric_remove: ({ name }) => {
      this.#metrics.remove(name);
      return {};
    },
    queries_top: ({ sort }) => this.#queries.top(sort),
    queries_sources: ({ seconds }) => sampleSources(this.world.s.phasesDone >= 3, seconds),
    queries_import: ({ file }) => sampleDigest(file),
    queries_errors: () => this.#queries.errors(),
    latency_chart: (ask) => this.#queries.latency(ask),
    queries_plans: ({ statement }) => this.#queries.plans(statement),
    shadow_start: () => this.#shadow.start(),
    shadow: () => this.#shadow.view(),
    shadow_stop: () => this.#shadow.stop(),
    captures: () => this.#rehearse.view(),
    capture_start: (args) => this.#rehearse.start(args),
    capture_stop: ({ file }) => this.#rehearse.stop(file),
    capture_add: ({ file }) => this.#rehearse.add(file),
    capture_forget: ({ file }) => this.#rehearse.forget(file),
    replay_start: (args) => this.#rehearse.replayStart(args),
    replay_job: () => this.#rehearse.replay(),
    replay_stop: () => this.#rehearse.replayStop(),
    load_start: (args) => this.#rehearse.loadStart(args),
    load_job: () => this.#rehearse.load(),
    load_stop: () => this.#rehearse.loadStop(),
    queries_index: ({ statement, apply }) => this.#queries.index(statement, apply),
    findings: (ask) => this.world.consistency.findings(ask),
    set_pacing: ({ pacing }) => {
      this.world.consistency.pacing = pacing;
      return {};
    },
    compare_now: ({ tables }) => {
      if (this.world.s.phasesDone < 3) throw refused("Replication has not begun, so there is nothing to compare yet.", "Run “Start replication” first.");
      this.world.consistency.want(tables);
      return {};
    },
    lag_chart: (ask) => drawChart(ask, this.world.s.phasesDone < 2),
  };
}
