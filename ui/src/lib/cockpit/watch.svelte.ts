import type { ApiError } from "../api/generated/ApiError";
import type { Cockpit } from "../api/generated/Cockpit";
import type { CockpitRequest } from "../api/generated/CockpitRequest";
import type { Measured } from "../api/generated/Measured";
import { toFault, type Backend, type Unlisten } from "../backend/backend";
import { clock } from "../clock.svelte";
import { isOld } from "../parts/fresh";
import { share } from "./share";

/** Beyond this age the screen says that nobody measures any more. */
export const STALE_MS = 5_000;
const IDLE_PERIOD_MS = 1_000;
/** The engine tells when it has measured, once a second; while it does, asking by ourselves would only double that. */
const TOLD_PERIOD_MS = 1_600;
/** While a command runs its steps take milliseconds; a second would hide them. */
const RUNNING_PERIOD_MS = 250;
/** A burst of events costs one extra call, not one each. */
const BURST_MS = 50;

/** Follows one migration: keeps the newest cockpit and knows how old it is. Never two calls at once. */
export class CockpitWatch {
  data = $state.raw<Cockpit | null>(null);
  fault = $state.raw<ApiError | null>(null);

  #movedAt = $state(0);
  #toldAt = -Infinity;
  #inFlight = false;
  #again = false;
  #stopped = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unlisten: Unlisten | undefined;

  /**
   * How long the engine has been silent, ms. Also counts from the moment `at` last moved: on a machine whose clock is
   * behind the engine's, a frozen picture would otherwise look fresh.
   */
  readonly age = $derived(
    this.data === null ? null : Math.max(0, clock.now - this.data.at, clock.now - this.#movedAt),
  );
  /** Whether everything on the screen is of the past: the engine does not answer, or nobody measures. */
  readonly stale = $derived(this.data !== null && (this.fault !== null || (this.age ?? 0) > STALE_MS));
  /** What is measured again and again and was not measured lately, although the engine goes on. */
  readonly old = $derived<Measured[]>(this.data?.measured.filter((m) => isOld(m, clock.now)) ?? []);

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  start(): void {
    this.#stopped = false;
    document.addEventListener("visibilitychange", this.#seen);
    void this.poll();
    void this.backend
      .listen((event) => {
        if (event.event !== "changed" || event.migration !== this.migration) return;
        this.#toldAt = Date.now();
        this.nudge();
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
    document.removeEventListener("visibilitychange", this.#seen);
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
      this.#take(await this.backend.call("cockpit", { name: this.migration, ...this.#have() }));
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.#inFlight = false;
    }
    this.#schedule(this.#again ? BURST_MS : this.#period());
    this.#again = false;
  }

  /** A window that was out of sight shows the present at once. */
  readonly #seen = () => {
    if (!document.hidden) this.nudge();
  };

  #period(): number {
    if (this.data?.running) return RUNNING_PERIOD_MS;
    return Date.now() - this.#toldAt < 2 * TOLD_PERIOD_MS ? TOLD_PERIOD_MS : IDLE_PERIOD_MS;
  }

  /** A list of every table does not travel each second: the engine leaves out what we hold and did not change. */
  #have(): Pick<CockpitRequest, "have"> {
    if (this.data === null) return {};
    return { have: { validation_at: this.data.validation?.at ?? null, copy_done: this.data.copy?.done ?? false } };
  }

  #take(next: Cockpit): void {
    const first = this.data === null;
    if (next.left_out.validation) next.validation = this.data?.validation ?? null;
    if (next.left_out.copy) next.copy = this.data?.copy ?? null;
    if (next.at !== this.data?.at) this.#movedAt = Date.now();
    this.data = share(this.data, next);
    this.fault = null;
    clock.beat();
    if (first) markFirst();
  }

  #schedule(delay: number): void {
    clearTimeout(this.#timer);
    // Nobody looks: the engine's own notices reach the desktop without us.
    if (!this.#stopped && !document.hidden) this.#timer = setTimeout(() => void this.poll(), delay);
  }
}

/** Notes when the first figures were on the screen, for whoever measures the start. */
function markFirst(): void {
  if (performance.getEntriesByName("first-content").length > 0) return;
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("first-content")));
}
