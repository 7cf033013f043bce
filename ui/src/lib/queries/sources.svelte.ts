import type { ApiError } from "../api/generated/ApiError";
import type { QuerySources } from "../api/generated/QuerySources";
import { toFault, type Backend } from "../backend/backend";

/** Between the two readings that rates come from, seconds. */
const BETWEEN_S = 5;

/** Where the page's facts come from; read when somebody asks, since it takes two readings. Nothing is judged here. */
export class Sources {
  view = $state.raw<QuerySources | null>(null);
  /** Why the last look failed; what was seen before stays. */
  fault = $state.raw<ApiError | null>(null);
  reading = $state(false);

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  async read(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      this.view = await this.backend.call("queries_sources", { migration: this.migration, seconds: BETWEEN_S });
      this.fault = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.reading = false;
    }
  }
}
