import type { ApiError } from "../api/generated/ApiError";
import type { ShadowView } from "../api/generated/ShadowView";
import { toFault, type Backend } from "../backend/backend";
import { Looks } from "../parts/looks";

const PERIOD_MS = 2_000;

/** Shadow reads of this process, and what is kept of the newest run. Nothing is judged here. */
export class ShadowReads {
  view = $state.raw<ShadowView | null>(null);
  fault = $state.raw<ApiError | null>(null);
  /** Comparisons per second, and percent of the reads. */
  rate = $state(50);
  share = $state(100);
  /** A capture on the machine that runs it; empty for the source's log as it grows. */
  capture = $state("");
  /** Whether something is asked for just now. */
  asking = $state(false);

  readonly #looks = new Looks<ShadowView>({
    period: PERIOD_MS,
    ask: () => this.backend.call("shadow", { name: this.migration }),
    show: (next) => {
      this.view = next;
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

  get running(): boolean {
    return this.view?.run != null && this.view.run.ended === null;
  }

  /** Follows the source's log until it is stopped, or reads a capture to its end. */
  run(): Promise<void> {
    const file = this.capture.trim();
    const traffic = file === "" ? ({ traffic: "server" } as const) : ({ traffic: "capture", file } as const);
    return this.#ask(async () => {
      this.view = await this.backend.call("shadow_start", { migration: this.migration, ...traffic, seconds: null, share: this.share, rate: this.rate });
    });
  }

  stop(): Promise<void> {
    return this.#ask(async () => {
      await this.backend.call("shadow_stop", { name: this.migration });
    });
  }

  async #ask(what: () => Promise<void>): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      this.#looks.outdated();
      await what();
      this.fault = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.asking = false;
    }
    this.#looks.soon();
  }
}
