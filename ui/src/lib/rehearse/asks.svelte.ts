import type { ApiError } from "../api/generated/ApiError";
import { toFault } from "../backend/backend";
import { Looks } from "../parts/looks";

const BUSY_MS = 1_000;
const IDLE_MS = 4_000;

/** A view that is looked at again and again, and acts that change it: one act at a time, and why the last one failed. */
export class Asks<T> {
  view = $state.raw<T | null>(null);
  /** Why the last act failed; stays until the next one. */
  fault = $state.raw<ApiError | null>(null);
  /** Why the last look failed; what was seen before stays. */
  unseen = $state.raw<ApiError | null>(null);
  /** Whether something is asked for just now. */
  asking = $state(false);
  readonly #looks: Looks<T>;

  /** `busy` says whether something goes on in a view: then it is looked at each second. */
  constructor(ask: () => Promise<T>, busy: (view: T) => boolean) {
    const period = () => (this.view !== null && busy(this.view) ? BUSY_MS : IDLE_MS);
    this.#looks = new Looks<T>({
      get period() {
        return period();
      },
      ask,
      show: (next) => {
        this.view = next;
        this.unseen = null;
      },
      failed: (thrown) => (this.unseen = toFault(thrown)),
    });
  }

  start(): () => void {
    return this.#looks.start();
  }

  async act(what: () => Promise<T | void>): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      this.#looks.outdated();
      const next = await what();
      if (next !== undefined) this.view = next;
      this.fault = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.asking = false;
    }
    this.#looks.soon();
  }

  /** Something else is asked for: an answer to what was asked before is not shown any more. */
  changed(): void {
    this.#looks.outdated();
    this.#looks.soon();
  }
}
