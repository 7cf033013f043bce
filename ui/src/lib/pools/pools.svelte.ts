import type { ApiError } from "../api/generated/ApiError";
import type { PoolsNow } from "../api/generated/PoolsNow";
import type { PoolsView } from "../api/generated/PoolsView";
import { toFault, type Backend } from "../backend/backend";
import { clock } from "../clock.svelte";
import { share } from "../cockpit/share";

const PERIOD_MS = 2_000;
const SOON_MS = 50;

/** What is needed through the phases against what both servers have; read when it is asked for. */
export class PoolPlan {
  view = $state.raw<PoolsView | null>(null);
  fault = $state.raw<ApiError | null>(null);
  looking = $state(false);
  /** The application's pool; null is what is in use now. */
  pool = $state<number | null>(null);
  #asked = 0;

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  async look(): Promise<void> {
    const mine = ++this.#asked;
    this.looking = true;
    try {
      const view = await this.backend.call("pools", { migration: this.migration, pool: this.pool });
      if (mine !== this.#asked) return;
      this.view = view;
      this.fault = null;
    } catch (thrown) {
      // What was seen before stays, with its age.
      if (mine === this.#asked) this.fault = toFault(thrown);
    } finally {
      if (mine === this.#asked) this.looking = false;
    }
  }

  choose(pool: number | null): Promise<void> {
    this.pool = pool;
    return this.look();
  }
}

/** Follows the poolers' pools while somebody looks, and asks nothing otherwise. */
export class LivePools {
  now = $state.raw<PoolsNow | null>(null);
  /** Why the last look failed; what was seen before stays. */
  fault = $state.raw<ApiError | null>(null);

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
      const next = await this.backend.call("pools_now", { name: this.migration });
      if (this.#stopped) return;
      // The first picture shows at once, the others together with everything else that moves.
      if (this.now === null) this.#show(next);
      else this.#takeBack = clock.onBeat(() => this.#show(next));
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.#inFlight = false;
    }
    this.#schedule(PERIOD_MS);
  }

  #show(next: PoolsNow): void {
    this.now = share(this.now, next);
    this.fault = null;
  }

  readonly #seen = () => {
    if (!document.hidden) this.#schedule(SOON_MS);
  };

  #schedule(delay: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped && !document.hidden) this.#timer = setTimeout(() => void this.look(), delay);
  }
}
