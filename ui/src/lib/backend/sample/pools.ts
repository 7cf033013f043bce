import type { Need } from "../../api/generated/Need";
import type { Pool } from "../../api/generated/Pool";
import type { PoolsNow } from "../../api/generated/PoolsNow";
import type { PoolsView } from "../../api/generated/PoolsView";
import type { Scenario } from "./scenarios";

const OURS = 8;

/** Invented pools: at ease, or in trouble where the scenario has some. */
export class SamplePools {
  constructor(readonly s: Scenario) {}

  /** Too few connections on the source, and clients that wait. */
  get #tight(): boolean {
    return this.s.validated === "differs" || this.s.compared === "trouble";
  }

  view(pool: number | null): PoolsView {
    const all = pool ?? 40;
    const half = Math.ceil(all / 2);
    const rooms = { source: this.#tight ? 57 : 197, target: 197 };
    const need = (side: "source" | "target", application: number, replication = 0): Need => {
      const others = side === "source" ? 1 : 0;
      const [total, room] = [application + replication + others + OURS, rooms[side]];
      const warning = total > room ? `The ${side} has ${room} connections for clients and needs ${total}: ${total - room} too few. Raise max_connections (a restart), or let the pooler open fewer.` : total > room * 0.8 ? `${total} of the ${side}'s ${room} connections are more than 80 %.` : null;
      return { application, others, replication, ours: OURS, total, room, warning };
    };
    const phase = (name: string, source: Need, target: Need) => ({ phase: name, source, target });
    return {
      at: Date.now() - 2_000,
      source_room: { max: rooms.source + 3, reserved: 3, used: 41, sync_workers: 2 },
      target_room: { max: 200, reserved: 3, used: 0, sync_workers: 2 },
      pools: {
        pool: all,
        half,
        phases: [
          phase("Before the first step", need("source", all), need("target", 0)),
          phase("Copy", need("source", all, 2), need("target", 0)),
          phase("Replication and validation", need("source", all), need("target", 0)),
          phase("Reads on both sides", need("source", half), need("target", half)),
          phase("The write switch", need("source", half), need("target", half)),
          phase("Writes on the target", need("source", 0), need("target", all)),
        ],
        ini: `; transaction mode: a connection belongs to a client for the length of a transaction\npool_mode = transaction\n; per side while both serve; the whole pool again once one side has everything\ndefault_pool_size = ${half}\n; clients that find no connection wait so long, and are then told so\nquery_wait_timeout = 5\n; a login that failed is tried again soon: PAUSE can hit one\nserver_login_retry = 1\n; since 1.21, so that prepared statements go on across servers:\n; max_prepared_statements = 200\nignore_startup_parameters = extra_float_digits\n`,
        application: [
          `Per side a pool of ${half} connections while both serve.`,
          "A checkout that fails after 5 s, with an error, instead of a thread that waits for ever.",
          "A circuit breaker per side: open after 5 failures in 10 s, one trial after 5 s. A retry storm on a side that just fell keeps it down.",
        ],
        held: [
          { what: "Beats, gates, the catalog and the streams' states", sessions: 4 },
          { what: "The fence, during a switch", sessions: 1 },
          { what: "The comparison's two", sessions: 2 },
          { what: "The one that follows changes", sessions: 1 },
        ],
      },
    };
  }

  now(): PoolsNow {
    const at = Date.now();
    const wave = Math.round(6 * Math.sin(at / 5_000));
    const waiting = this.#tight ? 3 : 0;
    const pool = (database: string, sv: number, size: number, cl_waiting: number): Pool => ({
      database,
      user: "orders",
      mode: "transaction",
      cl_active: 180 + wave,
      cl_waiting,
      sv_active: sv,
      sv_idle: Math.max(0, size - sv),
      sv_used: 0,
      sv_tested: 0,
      sv_login: 0,
      maxwait_ms: cl_waiting > 0 ? 412 : 0,
      size,
      paused: this.s.running && database === "app_rw",
    });
    const limit = this.#tight ? 60 : 200;
    const used = this.#tight ? 52 : 41 + wave;
    const answered = at - 1_200 - this.s.silent * 1000;
    return {
      at,
      counts_ms: 8_000,
      sides: [
        { side: "source", used, limit: this.s.phasesDone === 0 ? 0 : limit, at: answered, counts_ms: 10_000, warning: used > limit * 0.8 ? `${used} of the source's ${limit} connections are more than 80 %.` : null },
        { side: "target", used: 12, limit: this.s.phasesDone === 0 ? 0 : 200, at: at - 1_200, counts_ms: 10_000, warning: null },
      ],
      routers: [
        {
          label: "PgBouncer pgb-1:6432",
          problem: null,
          pools: this.s.phasesDone === 0 ? [] : [pool("app_rw", waiting > 0 ? 20 : 7, 20, waiting), pool("app_ro", 11, 20, 0)],
          warnings: this.s.running ? ["app_rw as orders is held: its clients would wait."] : waiting > 0 ? ["3 clients of app_rw as orders wait for a server connection, the first for 412 ms. All its server connections are in use."] : [],
        },
        ...(this.s.sourceProblem === null
          ? []
          : [{ label: "PgBouncer pgb-2:6432", problem: { code: "unreachable", message: "Connecting to the admin console of PgBouncer pgb-2:6432 failed: nothing listens on pgb-2:6432.", remedy: "Look whether it runs." }, pools: [], warnings: [] }]),
      ],
    };
  }
}
