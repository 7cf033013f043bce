import type { ApiError } from "../api/generated/ApiError";
import type { JournalLine } from "../api/generated/JournalLine";
import { toFault, type Backend, type Unlisten } from "../backend/backend";

const PERIOD_MS = 2_000;
const BURST_MS = 100;
/** More lines than anybody scrolls through; the rest stays in the store. */
export const MOST_LINES = 5_000;

/** Follows a migration's journal: asks only for what is newer than the newest it holds. */
export class JournalFeed {
  lines = $state.raw<JournalLine[]>([]);
  loaded = $state(false);
  fault = $state.raw<ApiError | null>(null);

  #stopped = true;
  #inFlight = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unlisten: Unlisten | undefined;

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  start(): () => void {
    this.#stopped = false;
    void this.#poll();
    this.backend
      .listen((event) => {
        if (event.event === "changed" && event.migration === this.migration) this.#schedule(BURST_MS);
      })
      .then(
        (unlisten) => (this.#stopped ? unlisten() : (this.#unlisten = unlisten)),
        () => undefined,
      );
    return () => {
      this.#stopped = true;
      clearTimeout(this.#timer);
      this.#unlisten?.();
    };
  }

  async #poll(): Promise<void> {
    if (this.#inFlight || this.#stopped) return;
    this.#inFlight = true;
    try {
      const after = this.lines.at(-1)?.recorded.seq ?? 0;
      const page = await this.backend.call("journal", { migration: this.migration, after, limit: MOST_LINES });
      if (page.lines.length > 0) this.lines = [...this.lines, ...page.lines].slice(-MOST_LINES);
      this.loaded = true;
      this.fault = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.#inFlight = false;
    }
    this.#schedule(PERIOD_MS);
  }

  #schedule(delay: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#poll(), delay);
  }
}
