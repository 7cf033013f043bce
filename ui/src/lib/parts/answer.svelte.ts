import type { ApiError } from "../api/generated/ApiError";
import { toFault, type Backend } from "../backend/backend";
import { Looks } from "./looks";

/** What the engine answered last about a migration. Nothing is judged here. */
export class Answer<T> {
  view = $state.raw<T | null>(null);
  /** Why the last question failed; what was answered before stays. */
  fault = $state.raw<ApiError | null>(null);
  /** Whether something that somebody asked for is on its way. */
  asking = $state(false);

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  /** Asks for one thing at a time. */
  protected async ask(what: () => Promise<void>): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      await what();
      this.fault = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.asking = false;
    }
  }
}

/** One that is looked at again and again while somebody sees it. */
export abstract class WatchedAnswer<T> extends Answer<T> {
  protected readonly looks: Looks<T>;

  /** `period`: from the end of one look to the next, ms. */
  constructor(backend: Backend, migration: string, period: number) {
    super(backend, migration);
    this.looks = new Looks<T>({
      period,
      ask: () => this.look(),
      show: (next) => this.show(next),
      failed: (thrown) => (this.fault = toFault(thrown)),
    });
  }

  protected abstract look(): Promise<T>;

  start(): () => void {
    return this.looks.start();
  }

  /** What is shown is not what is wanted any more: looks again in a moment. */
  changed(): void {
    this.looks.outdated();
    this.looks.soon();
  }

  protected show(next: T): void {
    this.view = next;
    this.fault = null;
  }
}
