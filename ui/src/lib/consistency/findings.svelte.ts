import { SvelteSet } from "svelte/reactivity";
import type { ApiError } from "../api/generated/ApiError";
import type { NumberedFinding } from "../api/generated/NumberedFinding";
import type { TableName } from "../api/generated/TableName";
import { toFault, type Backend } from "../backend/backend";

/** How many are read at once. */
export const PAGE = 100;
/** As many as the engine gives at once; longer lists are read again only when somebody asks. */
export const MOST_AT_ONCE = 1_000;
/** A table whose rows are verified each second is not read again each second. */
const AGAIN_MS = 2_000;

/** The findings of one table, page by page, and which of them are chosen. */
export class Findings {
  list = $state.raw<NumberedFinding[]>([]);
  total = $state<number | null>(null);
  fault = $state.raw<ApiError | null>(null);
  busy = $state(false);
  /** The table moved on since a long list was read. */
  outdated = $state(false);
  readonly chosen = new SvelteSet<number>();

  #gone = false;
  #seen = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly backend: Backend,
    readonly migration: string,
    readonly table: TableName,
  ) {}

  leave(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
  }

  /** The table is at this state now; reads again when it is another than what the list was read at. */
  follow(state: string): void {
    if (state === this.#seen) return;
    const first = this.#seen === "";
    this.#seen = state;
    if (first) void this.again();
    else if (this.list.length > MOST_AT_ONCE) this.outdated = true;
    else this.#timer ??= setTimeout(() => void this.again(), AGAIN_MS);
  }

  /** Reads what is shown anew, from the first on. */
  again(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = this.busy ? setTimeout(() => void this.again(), AGAIN_MS) : undefined;
    const most = Math.min(MOST_AT_ONCE, Math.max(PAGE, this.list.length));
    return this.#read(0, most, (page) => {
      this.list = page;
      this.outdated = false;
      const there = new Set(page.map((f) => f.id));
      for (const id of this.chosen) if (!there.has(id)) this.chosen.delete(id);
    });
  }

  more(): Promise<void> {
    return this.#read(this.list.at(-1)?.id ?? 0, PAGE, (page) => (this.list = [...this.list, ...page]));
  }

  choose(id: number, wanted: boolean): void {
    if (wanted) this.chosen.add(id);
    else this.chosen.delete(id);
  }

  chooseShown(wanted: boolean): void {
    if (!wanted) this.chosen.clear();
    else for (const { id } of this.list) this.chosen.add(id);
  }

  async #read(after: number, most: number, take: (page: NumberedFinding[]) => void): Promise<void> {
    if (this.busy || this.#gone) return;
    this.busy = true;
    try {
      const page = await this.backend.call("findings", { migration: this.migration, table: this.table, after, most });
      if (this.#gone) return;
      take(page.findings);
      this.total = page.total;
      this.fault = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.busy = false;
    }
  }
}
