/** A picture that comes each second brings the clock's beat with it; only when it stays away the clock beats alone. */
const LATE_MS = 1_600;
const ALONE_MS = 1_000;

/**
 * The screen's one clock. Everything that changes by itself changes on its beat, in one go: each change at a moment of
 * its own would make the webview lay out and paint the window once more.
 */
class Clock {
  now = $state(Date.now());
  #waiting = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #runs = false;

  start(): () => void {
    this.#runs = true;
    this.beat();
    return () => {
      this.#runs = false;
      clearTimeout(this.#timer);
    };
  }

  /** Moves the clock; what comes with a new picture calls this together with showing it. */
  beat(): void {
    this.#move();
    this.#arm(LATE_MS);
  }

  /** Puts something on the screen with the next beat. Returns how to take that back. */
  onBeat(show: () => void): () => void {
    if (!this.#runs) {
      show();
      return () => undefined;
    }
    this.#waiting.add(show);
    return () => this.#waiting.delete(show);
  }

  #move(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const show of waiting) show();
    this.now = Date.now();
  }

  #arm(delay: number): void {
    clearTimeout(this.#timer);
    if (!this.#runs) return;
    this.#timer = setTimeout(() => {
      this.#move();
      this.#arm(ALONE_MS);
    }, delay);
  }
}

export const clock = new Clock();
