/** How long a hold has to last. Long enough to be meant, short enough for 2 a.m. */
export const HOLD_MS = 1_000;
/** A reader's software cannot hold: it presses twice, and this is how long the first press counts. */
const ARMED_MS = 10_000;

/** Press and hold: `done` is called once, after the full time without a break. */
export class Hold {
  holding = $state(false);
  /** Let go too early; the button says what was missing. */
  brief = $state(false);
  /** Pressed once by something that cannot hold. */
  armed = $state(false);

  #timer: ReturnType<typeof setTimeout> | undefined;
  #armedTimer: ReturnType<typeof setTimeout> | undefined;
  #armedAt = 0;
  #byHandAt = -Infinity;

  constructor(
    readonly done: () => void,
    readonly allowed: () => boolean,
  ) {}

  press(): void {
    this.#byHandAt = Date.now();
    if (this.holding || !this.allowed()) return;
    this.holding = true;
    this.brief = false;
    this.#timer = setTimeout(() => {
      this.holding = false;
      this.#byHandAt = Date.now();
      if (this.allowed()) this.done();
    }, HOLD_MS);
  }

  release(): void {
    this.#byHandAt = Date.now();
    if (!this.holding) return;
    clearTimeout(this.#timer);
    this.holding = false;
    this.brief = true;
  }

  /** A click that no finger made: the first arms, a second one at least the hold's time later acts. */
  click(): void {
    if (Date.now() - this.#byHandAt < 400 || this.holding || !this.allowed()) return;
    if (this.armed && Date.now() - this.#armedAt >= HOLD_MS) {
      this.disarm();
      this.done();
      return;
    }
    if (this.armed) return;
    this.armed = true;
    this.#armedAt = Date.now();
    this.#armedTimer = setTimeout(() => this.disarm(), ARMED_MS);
  }

  disarm(): void {
    clearTimeout(this.#armedTimer);
    this.armed = false;
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.disarm();
    this.holding = false;
  }
}
