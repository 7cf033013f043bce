import type { ApiError } from "../api/generated/ApiError";
import type { Consistency } from "../api/generated/Consistency";
import type { Pacing } from "../api/generated/Pacing";
import type { TableName } from "../api/generated/TableName";
import { toFault, type Backend } from "../backend/backend";
import { share } from "../cockpit/share";
import { Looks } from "../parts/looks";

const PERIOD_MS = 1_000;

/** Follows where a migration's tables stand while somebody looks, and carries what the operator wants to the engine. */
export class Standings {
  data = $state.raw<Consistency | null>(null);
  /** Why the last look failed; what was seen before stays. */
  fault = $state.raw<ApiError | null>(null);
  /** Why the last wish was refused. */
  refused = $state.raw<ApiError | null>(null);
  /** When the engine last answered. */
  answeredAt = $state<number | null>(null);

  readonly #looks = new Looks<Consistency>({
    period: PERIOD_MS,
    ask: () => this.backend.call("consistency", { name: this.migration }),
    show: (next) => this.#show(next),
    failed: (thrown) => (this.fault = toFault(thrown)),
  });

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  start(): () => void {
    return this.#looks.start();
  }

  look(): Promise<void> {
    return this.#looks.look();
  }

  /** Pauses, resumes or slows the comparison; what is not named stays. */
  pace(change: Partial<Pacing>): Promise<void> {
    if (this.data === null) return Promise.resolve();
    const pacing = { ...this.data.pacing, ...change };
    return this.#wish(async () => {
      await this.backend.call("set_pacing", { migration: this.migration, pacing });
      // The next change builds on this one, also when it comes before the next look.
      this.#looks.outdated();
      if (this.data !== null) this.data = { ...this.data, pacing };
    });
  }

  /** Compares these tables now, all of them when none is named. */
  compare(tables: TableName[]): Promise<void> {
    return this.#wish(() => this.backend.call("compare_now", { migration: this.migration, tables }));
  }

  async #wish(send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
      this.refused = null;
    } catch (thrown) {
      this.refused = toFault(thrown);
    }
    this.#looks.soon();
  }

  #show(next: Consistency): void {
    this.data = share(this.data, next);
    this.fault = null;
    this.answeredAt = Date.now();
  }
}
