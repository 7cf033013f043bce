import type { ApiError } from "../api/generated/ApiError";
import type { PlansView } from "../api/generated/PlansView";
import type { QueriesView } from "../api/generated/QueriesView";
import type { QueryErrorsView } from "../api/generated/QueryErrorsView";
import type { StatementSort } from "../api/generated/StatementSort";
import { toFault, type Backend } from "../backend/backend";
import { Answer, WatchedAnswer } from "../parts/answer.svelte";

const PERIOD_MS = 10_000;
/** How long is watched when it begins again, seconds. */
const WATCHED_S = 10;
const MOST = 100;

/** Statements of both sides while somebody looks, and the plans of the one that is open. */
export class Queries extends WatchedAnswer<QueriesView> {
  sort = $state<StatementSort>("damage");

  /** Id of the open statement. */
  open = $state<string | null>(null);
  plans = $state.raw<PlansView | null>(null);
  plansFault = $state.raw<ApiError | null>(null);
  /** Whether an index is being made. */
  making = $state(false);
  /** What was made last, in a sentence. */
  made = $state<string | null>(null);

  constructor(backend: Backend, migration: string) {
    super(backend, migration, PERIOD_MS);
  }

  protected look(): Promise<QueriesView> {
    return this.backend.call("queries_top", { ...this.#wanted(), window: "kept" });
  }

  sortBy(sort: StatementSort): void {
    this.sort = sort;
    this.changed();
  }

  /** Begins the window anew and watches for a while. */
  again(): Promise<void> {
    return this.ask(async () => {
      this.view = await this.backend.call("queries_top", { ...this.#wanted(), window: "watch", seconds: WATCHED_S });
    });
  }

  #wanted() {
    return { migration: this.migration, sort: this.sort, limit: MOST, own: false, logs: null };
  }

  /** Opens a statement, or closes the one that is open. */
  async choose(id: string): Promise<void> {
    this.made = null;
    if (this.open === id) {
      this.open = null;
      return;
    }
    this.open = id;
    await this.explain();
  }

  async explain(): Promise<void> {
    const id = this.open;
    if (id === null) return;
    this.plans = null;
    this.plansFault = null;
    try {
      const plans = await this.backend.call("queries_plans", { migration: this.migration, statement: id, text: null, run: false });
      // Another one may have been opened meanwhile.
      if (this.open === id) this.plans = plans;
    } catch (thrown) {
      if (this.open === id) this.plansFault = toFault(thrown);
    }
  }

  /** Makes what the open statement lacks on the target. */
  async makeIndex(): Promise<void> {
    const id = this.open;
    if (id === null || this.making) return;
    this.making = true;
    this.plansFault = null;
    try {
      const { made, target } = await this.backend.call("queries_index", { migration: this.migration, statement: id, apply: true });
      this.made = made.length === 0 ? "Nothing was missing any more." : `Made on ${target}: ${made.map((i) => i.name).join(", ")}. The journal has it.`;
      await this.explain();
    } catch (thrown) {
      this.plansFault = toFault(thrown);
    } finally {
      this.making = false;
    }
    this.looks.soon();
  }
}

/** Errors of the target's log; read when somebody asks, since a log can be long. */
export class QueryErrors extends Answer<QueryErrorsView> {
  read(): Promise<void> {
    return this.ask(async () => {
      this.view = await this.backend.call("queries_errors", { migration: this.migration, target_files: [], source_files: [], prefix: null, since: null });
    });
  }
}
