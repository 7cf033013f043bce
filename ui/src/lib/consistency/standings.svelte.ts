import type { ApiError } from "../api/generated/ApiError";
import type { Consistency } from "../api/generated/Consistency";
import type { Pacing } from "../api/generated/Pacing";
import type { TableName } from "../api/generated/TableName";
import { toFault, type Backend } from "../backend/backend";
import { clock } from "../clock.svelte";
import { share } from "../cockpit/share";

const PERIOD_MS = 1_000;
/** What was just asked for shows at once and not with the next look. */
const SOON_MS = 50;

/** Follows where a migration's tables stand while somebody looks, and carries what the operator wants to the engine. */
export class Standings {
  data = $state.raw<Consistency | null>(null);
  /** Why the last look failed; what was seen before stays. */
  fault = $state.raw<ApiError | null>(null);
  /** Why the last wish was refused. */
  refused = $state.raw<ApiError | null>(null);
  /** When the engine last answered. */
  answeredAt = $state<number | null>(null);

  #inFlight = false;
  #stopped = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #takeBack: () => void = () => undefined;

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  start(): () => void {
    this.#stopped = false;
    document.addEventListener("visibilitychange", this.#seen);
    void this.look();
    return () => {
      this.#stopped = true;
      clearTimeout(this.#timer);
      this.#takeBack();
      document.removeEventListener("visibilitychange", this.#seen);
    };
  }

  async look(): Promise<void> {
    if (this.#inFlight || this.#stopped) return;
    this.#inFlight = true;
    try {
      const next = await this.backend.call("consistency", { name: this.migration });
      if (this.#stopped) return;
      // The first picture shows at once, the others together with everything else that moves.
      if (this.data === null) this.#show(next);
      else this.#takeBack = clock.onBeat(() => this.#show(next));
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.#inFlight = false;
    }
    this.#schedule(PERIOD_MS);
  }

  /** Pauses, resumes or slows the comparison; what is not named stays. */
  pace(change: Partial<Pacing>): Promise<void> {
    if (this.data === null) return Promise.resolve();
    const pacing = { ...this.data.pacing, ...change };
    return this.#wish(async () => {
      await this.backend.call("set_pacing", { migration: this.migration, pacing });
      // The next change builds on this one, also when it comes before the next look.
      this.#takeBack();
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
    this.#schedule(SOON_MS);
  }

  #show(next: Consistency): void {
    this.data = share(this.data, next);
    this.fault = null;
    this.answeredAt = Date.now();
  }

  readonly #seen = () => {
    if (!document.hidden) this.#schedule(SOON_MS);
  };

  #schedule(delay: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped && !document.hidden) this.#timer = setTimeout(() => void this.look(), delay);
  }
}
