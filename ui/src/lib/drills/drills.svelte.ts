import type { Act } from "../api/generated/Act";
import type { ApiError } from "../api/generated/ApiError";
import type { DrillsView } from "../api/generated/DrillsView";
import type { Failure } from "../api/generated/Failure";
import { toFault, type Backend } from "../backend/backend";
import { share } from "../cockpit/share";
import { Looks } from "../parts/looks";

const PERIOD_MS = 1_000;

/** Follows a migration's drills while somebody looks, and asks for one or for a plan. Nothing is judged here. */
export class Drills {
  view = $state.raw<DrillsView | null>(null);
  /** Why the last look failed; what was seen before stays. */
  fault = $state.raw<ApiError | null>(null);
  /** Why the last request was refused. */
  refused = $state.raw<ApiError | null>(null);
  asking = $state(false);

  /** What is chosen. */
  failure = $state<Failure>("target_down");
  writes = $state(false);
  role = $state("");
  password = $state("");
  goal_ms = $state<number | null>(null);

  readonly #looks = new Looks<DrillsView>({
    period: PERIOD_MS,
    ask: () => this.backend.call("drills", { name: this.migration }),
    show: (next) => {
      // The role that is known is offered once, and never put over what somebody types.
      if (this.view === null && this.role === "") this.role = next.canary ?? "";
      this.view = share(this.view, next);
      this.fault = null;
    },
    failed: (thrown) => (this.fault = toFault(thrown)),
  });

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  start(): () => void {
    return this.#looks.start();
  }

  /** What moves, as chosen. */
  get act(): Act | null {
    const acts = this.view?.acts ?? [];
    return acts.find((a) => (a.act.act === "writes") === this.writes)?.act ?? null;
  }

  /** Why the chosen drill cannot begin; null where it can. */
  get whyNot(): string | null {
    const view = this.view;
    if (view === null) return "nothing is known of this migration yet";
    if (view.open !== null) return "a drill is under way";
    const kind = view.kinds.find((k) => k.failure === this.failure);
    if (kind !== undefined && !kind.from_window) return `run it where another process looks on: switchyardctl drill run ${this.migration} --failure ${kind.word}`;
    if (this.role.trim() === "") return "the canary's role is not named yet";
    return view.acts.find((a) => (a.act.act === "writes") === this.writes)?.why_not ?? null;
  }

  #request() {
    const act: Act = this.act ?? { act: "reads", percent: 10 };
    return {
      migration: this.migration,
      failure: this.failure,
      act,
      canary: this.role.trim() === "" ? null : this.role.trim(),
      password: this.password === "" ? null : this.password,
      goal_ms: this.goal_ms,
    };
  }

  async run(): Promise<void> {
    await this.#ask(() => this.backend.call("drill_start", this.#request()));
  }

  /** How often, seconds; null for no more. */
  async plan(every_s: number | null): Promise<void> {
    await this.#ask(() => this.backend.call("drill_schedule", { drill: this.#request(), every_s }));
  }

  async #ask(act: () => Promise<unknown>): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    this.refused = null;
    try {
      await act();
      this.password = "";
    } catch (thrown) {
      this.refused = toFault(thrown);
    } finally {
      this.asking = false;
    }
    this.#looks.outdated();
    this.#looks.soon();
  }
}
