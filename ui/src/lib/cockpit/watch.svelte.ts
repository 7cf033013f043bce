import type { ApiError } from "../api/generated/ApiError";
import type { Cockpit } from "../api/generated/Cockpit";
import { toFault, type Backend, type Unlisten } from "../backend/backend";
import { clock } from "../clock.svelte";

/** Beyond this age the screen says that it shows the past. */
export const STALE_MS = 5_000;
const IDLE_PERIOD_MS = 1_000;
/** While a command runs its steps take milliseconds; a second would hide them. */
const RUNNING_PERIOD_MS = 250;
/** A burst of events costs one extra call, not one each. */
const BURST_MS = 100;

/** Follows one migration: keeps the newest cockpit and knows how old it is. Never two calls at once. */
export class CockpitWatch {
  data = $state.raw<Cockpit | null>(null);
  fault = $state.raw<ApiError | null>(null);
  /** Since when clients are held, as seen from here. */
  heldSince = $state<number | null>(null);

  #movedAt = $state(0);
  #inFlight = false;
  #again = false;
  #stopped = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unlisten: Unlisten | undefined;

  /**
   * Age of what is shown, ms. Also counts from the moment `at` last moved: on a machine whose clock is behind the
   * engine's, a frozen picture would otherwise look fresh.
   */
  readonly age = $derived(
    this.data === null ? null : Math.max(0, clock.now - this.data.at, clock.now - this.#movedAt),
  );
  readonly stale = $derived(this.data !== null && (this.fault !== null || (this.age ?? 0) > STALE_MS));

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  start(): void {
    this.#stopped = false;
    void this.poll();
    void this.backend
      .listen((event) => {
        if (event.event === "changed" && event.migration === this.migration) this.nudge();
      })
      .then(
        (unlisten) => {
          if (this.#stopped) unlisten();
          else this.#unlisten = unlisten;
        },
        // Without events the poll still shows everything, a second later.
        () => undefined,
      );
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#unlisten?.();
  }

  /** Looks again soon: something is known to have changed. */
  nudge(): void {
    if (this.#inFlight) this.#again = true;
    else this.#schedule(BURST_MS);
  }

  async poll(): Promise<void> {
    if (this.#inFlight || this.#stopped) return;
    this.#inFlight = true;
    try {
      this.#take(await this.backend.call("cockpit", { name: this.migration }));
      this.fault = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.#inFlight = false;
    }
    const period = this.data?.running ? RUNNING_PERIOD_MS : IDLE_PERIOD_MS;
    this.#schedule(this.#again ? BURST_MS : period);
    this.#again = false;
  }

  #take(next: Cockpit): void {
    if (this.data === null || next.at !== this.data.at) this.#movedAt = Date.now();
    const holding = next.running?.holding ?? false;
    if (!holding) this.heldSince = null;
    else this.heldSince ??= Date.now();
    this.data = next;
  }

  #schedule(delay: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.poll(), delay);
  }
}
