import type { ApiError } from "../api/generated/ApiError";
import type { TimelineEdits } from "../api/generated/TimelineEdits";
import type { TimelineView } from "../api/generated/TimelineView";
import type { Written } from "../api/generated/Written";
import { toFault, type Backend } from "../backend/backend";

/** What is done and where today stands move slowly; an edit shows at once. */
const AGAIN_MS = 30_000;

interface Size {
  width: number;
  dark: boolean;
}

/** A migration's timeline: asks the engine for it and carries what is changed there. Nothing is computed here. */
export class MigrationTimeline {
  view = $state.raw<TimelineView | null>(null);
  /** Why the last look failed; what was seen before stays. */
  fault = $state.raw<ApiError | null>(null);
  /** Why the last change was refused. */
  refused = $state.raw<ApiError | null>(null);
  measuring = $state(false);
  /** Why the last measurement failed. */
  unmeasured = $state.raw<ApiError | null>(null);

  #size: Size | null = null;
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  /** Keeps the picture current for a size until the returned function is called. */
  follow(size: Size): () => void {
    this.#size = size;
    document.addEventListener("visibilitychange", this.#seen);
    void this.look();
    return () => {
      this.#size = null;
      this.#asked += 1;
      clearTimeout(this.#timer);
      document.removeEventListener("visibilitychange", this.#seen);
    };
  }

  async look(): Promise<void> {
    if (this.#size === null) return;
    const mine = ++this.#asked;
    clearTimeout(this.#timer);
    try {
      const view = await this.backend.call("timeline", { migration: this.migration, ...this.#size });
      if (mine !== this.#asked) return;
      this.view = view;
      this.fault = null;
    } catch (thrown) {
      if (mine !== this.#asked) return;
      this.fault = toFault(thrown);
    }
    if (!document.hidden) this.#timer = setTimeout(() => void this.look(), AGAIN_MS);
  }

  /** Measures the pair: some seconds, and a sample of rows on the target that is rolled back. */
  async measure(): Promise<void> {
    if (this.measuring) return;
    this.measuring = true;
    this.unmeasured = null;
    try {
      await this.backend.call("measure_pair", { name: this.migration });
    } catch (thrown) {
      this.unmeasured = toFault(thrown);
    } finally {
      this.measuring = false;
    }
    await this.look();
  }

  /** Whether it was taken; a change that was not leaves everything as it was. */
  async change(change: Partial<TimelineEdits>): Promise<boolean> {
    if (this.view === null) return false;
    const before = this.view;
    const edits = { ...before.edits, ...change };
    // The next change builds on this one, also when it comes before the engine has answered.
    this.view = { ...before, edits };
    let taken = true;
    try {
      await this.backend.call("change_timeline", { migration: this.migration, edits });
      this.refused = null;
    } catch (thrown) {
      taken = false;
      this.refused = toFault(thrown);
      this.view = before;
    }
    await this.look();
    return taken;
  }

  /** How long a task takes; null is what was computed. */
  setDays(task: string, days: number | null): Promise<boolean> {
    return this.change({ days: changed(this.view?.edits.days, task, days) });
  }

  /** The day on which a task ended; null is what the journal says. */
  setDone(task: string, day: string | null): Promise<boolean> {
    return this.change({ done: changed(this.view?.edits.done, task, day) });
  }

  /** The file that the operator named; null when none was. */
  save(): Promise<Written | null> {
    return this.backend.exportTimeline(this.migration);
  }

  readonly #seen = () => {
    if (!document.hidden) void this.look();
  };
}

function changed<T>(all: Record<string, T> | undefined, task: string, value: T | null): Record<string, T> {
  const next = { ...all };
  if (value === null) delete next[task];
  else next[task] = value;
  return next;
}
