import type { EndpointRow } from "../api/generated/EndpointRow";
import { toFault, type Backend } from "../backend/backend";
import type { ApiError } from "../api/generated/ApiError";

/** Endpoints of the store, to choose a copy among. Which may be played on the engine says. */
export class Copies {
  rows = $state.raw<EndpointRow[]>([]);
  fault = $state.raw<ApiError | null>(null);

  constructor(readonly backend: Backend) {}

  /** By name; a side of a migration says so. */
  get choices(): [string, string][] {
    return this.rows.map(({ endpoint: { name }, used_by }) => [name, used_by.length === 0 ? name : `${name} (a side of ${used_by.join(", ")})`]);
  }

  async read(): Promise<void> {
    try {
      this.rows = (await this.backend.call("endpoint_list", {})).endpoints;
      this.fault = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    }
  }
}
