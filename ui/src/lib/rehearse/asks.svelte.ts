import type { ApiError } from "../api/generated/ApiError";
import { toFault, type Backend } from "../backend/backend";
import { Answer } from "../parts/answer.svelte";
import { Looks } from "../parts/looks";

const BUSY_MS = 1_000;
const IDLE_MS = 4_000;

/** An answer that is looked at again and again, and acts that change it. Why the last act failed stays until the next one. */
export class Asks<T> extends Answer<T> {
  /** Why the last look failed; what was seen before stays. */
  unseen = $state.raw<ApiError | null>(null);
  readonly #looks: Looks<T>;

  /** `busy` says whether something goes on in a view: then it is looked at each second. */
  constructor(backend: Backend, migration: string, look: () => Promise<T>, busy: (view: T) => boolean) {
    super(backend, migration);
    const period = () => (this.view !== null && busy(this.view) ? BUSY_MS : IDLE_MS);
    this.#looks = new Looks<T>({
      get period() {
        return period();
      },
      ask: look,
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
    this.#looks.outdated();
    await this.ask(async () => {
      const next = await what();
      if (next !== undefined) this.view = next;
    });
    this.#looks.soon();
  }

  /** Something else is asked for: an answer to what was asked before is not shown any more. */
  changed(): void {
    this.#looks.outdated();
    this.#looks.soon();
  }
}
