import type { ShadowView } from "../api/generated/ShadowView";
import type { Backend } from "../backend/backend";
import { WatchedAnswer } from "../parts/answer.svelte";

const PERIOD_MS = 2_000;

/** Shadow reads of this process, and what is kept of the newest run. */
export class ShadowReads extends WatchedAnswer<ShadowView> {
  /** Comparisons per second, and percent of the reads. */
  rate = $state(50);
  share = $state(100);
  /** A capture on the machine that runs it; empty for the source's log as it grows. */
  capture = $state("");

  constructor(backend: Backend, migration: string) {
    super(backend, migration, PERIOD_MS);
  }

  protected look(): Promise<ShadowView> {
    return this.backend.call("shadow", { name: this.migration });
  }

  /** Why it could not be started or stopped stays until it can. */
  protected override show(next: ShadowView): void {
    this.view = next;
  }

  get running(): boolean {
    return this.view?.run != null && this.view.run.ended === null;
  }

  /** Follows the source's log until it is stopped, or reads a capture to its end. */
  run(): Promise<void> {
    const file = this.capture.trim();
    const traffic = file === "" ? ({ traffic: "server" } as const) : ({ traffic: "capture", file } as const);
    return this.#change(async () => {
      this.view = await this.backend.call("shadow_start", { migration: this.migration, ...traffic, seconds: null, share: this.share, rate: this.rate });
    });
  }

  stop(): Promise<void> {
    return this.#change(async () => {
      await this.backend.call("shadow_stop", { name: this.migration });
    });
  }

  async #change(what: () => Promise<void>): Promise<void> {
    if (this.asking) return;
    this.looks.outdated();
    await this.ask(what);
    this.looks.soon();
  }
}
