import { clock } from "../clock.svelte";

/** What was just asked for shows at once and not with the next look. */
const SOON_MS = 50;

interface Wants<T> {
  /** From the end of one look to the next, ms. */
  period: number;
  ask: () => Promise<T>;
  show: (next: T) => void;
  failed: (thrown: unknown) => void;
}

/** Asks the engine again and again while somebody looks, one question at a time, and nothing while the window is hidden. */
export class Looks<T> {
  #shown = false;
  #inFlight = false;
  #stopped = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #takeBack: () => void = () => undefined;

  constructor(readonly wants: Wants<T>) {}

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
      const next = await this.wants.ask();
      if (this.#stopped) return;
      // The first picture shows at once, the others together with everything else that moves.
      if (!this.#shown) this.#show(next);
      else this.#takeBack = clock.onBeat(() => this.#show(next));
    } catch (thrown) {
      this.wants.failed(thrown);
    } finally {
      this.#inFlight = false;
    }
    this.#schedule(this.wants.period);
  }

  /** Looks again in a moment. */
  soon(): void {
    this.#schedule(SOON_MS);
  }

  /** An answer that waits for its beat is not shown: something newer is known. */
  outdated(): void {
    this.#takeBack();
  }

  #show(next: T): void {
    this.#shown = true;
    this.wants.show(next);
  }

  readonly #seen = () => {
    if (!document.hidden) this.soon();
  };

  #schedule(delay: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped && !document.hidden) this.#timer = setTimeout(() => void this.look(), delay);
  }
}
