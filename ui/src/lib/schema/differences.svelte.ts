import type { ApiError } from "../api/generated/ApiError";
import type { AcceptedEntry } from "../api/generated/AcceptedEntry";
import type { Difference } from "../api/generated/Difference";
import type { SchemaView } from "../api/generated/SchemaView";
import type { Severity } from "../api/generated/Severity";
import { toFault, type Backend } from "../backend/backend";

/** Worst first. */
export const SEVERITIES: readonly Severity[] = ["blocks", "data", "speed", "cosmetic"];

/** How both schemas differ, read when it is asked for: a look takes the servers some tenths of a second. */
export class Differences {
  view = $state.raw<SchemaView | null>(null);
  fault = $state.raw<ApiError | null>(null);
  /** Why accepting or taking back was refused. */
  refused = $state.raw<ApiError | null>(null);
  looking = $state(false);
  /** Somebody asked while a look was under way, which may not have seen what he did. */
  #again = false;
  filter = $state("");
  /** Severities that are shown; all of them where none was chosen. */
  chosen = $state.raw<ReadonlySet<Severity>>(new Set());

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  readonly counts = $derived.by(() => {
    const counts: Record<Severity, number> = { blocks: 0, data: 0, speed: 0, cosmetic: 0 };
    for (const d of this.view?.differences ?? []) counts[d.severity] += 1;
    return counts;
  });

  readonly shown: Difference[] = $derived.by(() => {
    const wanted = this.filter.trim().toLowerCase();
    const all = this.view?.differences ?? [];
    return all.filter((d) => (this.chosen.size === 0 || this.chosen.has(d.severity)) && (wanted === "" || `${d.object} ${d.kind} ${d.what}`.toLowerCase().includes(wanted)));
  });

  async look(): Promise<void> {
    if (this.looking) {
      this.#again = true;
      return;
    }
    this.looking = true;
    this.#again = false;
    try {
      this.view = await this.backend.call("schema_differences", { name: this.migration });
      this.fault = null;
    } catch (thrown) {
      // What was seen before stays, with its age.
      this.fault = toFault(thrown);
    } finally {
      this.looking = false;
    }
    if (this.#again) await this.look();
  }

  /** Throws what the engine says against it: the dialog that asked shows that. */
  async accept(difference: Difference, by: string, reason: string): Promise<void> {
    const { object, kind, what, source, target } = difference;
    await this.backend.call("accept_difference", { migration: this.migration, entry: { object, kind, what, source, target, reason, by } });
    this.refused = null;
    // The dialog need not wait for both catalogs.
    void this.look();
  }

  async takeBack(entry: AcceptedEntry): Promise<void> {
    try {
      await this.backend.call("take_back_difference", { migration: this.migration, entry });
      this.refused = null;
    } catch (thrown) {
      this.refused = toFault(thrown);
    }
    await this.look();
  }

  toggle(severity: Severity): void {
    const next = new Set(this.chosen);
    if (!next.delete(severity)) next.add(severity);
    this.chosen = next;
  }
}
