import type { ApiError } from "../api/generated/ApiError";
import type { PoolsNow } from "../api/generated/PoolsNow";
import type { PoolsView } from "../api/generated/PoolsView";
import { toFault, type Backend } from "../backend/backend";
import { share } from "../cockpit/share";
import { Looks } from "../parts/looks";

const PERIOD_MS = 2_000;

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

  readonly #looks = new Looks<PoolsNow>({
    period: PERIOD_MS,
    ask: () => this.backend.call("pools_now", { name: this.migration }),
    show: (next) => {
      this.now = share(this.now, next);
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
}
