import type { ApiError } from "../api/generated/ApiError";
import type { DigestView } from "../api/generated/DigestView";
import { toFault, type Backend } from "../backend/backend";

const MOST = 50;

/** A digest that pgBadger or pt-query-digest made; read when somebody asks. Nothing is judged here. */
export class ImportedDigest {
  view = $state.raw<DigestView | null>(null);
  fault = $state.raw<ApiError | null>(null);
  /** Its file on the machine of the host. */
  file = $state("");
  reading = $state(false);

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  async read(): Promise<void> {
    const file = this.file.trim();
    if (this.reading || file === "") return;
    this.reading = true;
    try {
      this.view = await this.backend.call("queries_import", { file, kind: null, limit: MOST, migration: this.migration });
      this.fault = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    } finally {
      this.reading = false;
    }
  }
}
