import type { ApiError } from "../api/generated/ApiError";
import type { MetricForm } from "../api/generated/MetricForm";
import type { MetricRow } from "../api/generated/MetricRow";
import type { MetricsView } from "../api/generated/MetricsView";
import { toFault, type Backend } from "../backend/backend";
import { WatchedAnswer } from "../parts/answer.svelte";

/** Whoever drives reads them every five seconds. */
const PERIOD_MS = 2_000;

/** The application's own metrics, as whoever drives read them last. */
export class Metrics extends WatchedAnswer<MetricsView> {
  constructor(backend: Backend, migration: string) {
    super(backend, migration, PERIOD_MS);
  }

  protected look(): Promise<MetricsView> {
    return this.#metrics(false);
  }

  /** Reads all of them once, whoever drives. */
  readNow(): Promise<void> {
    return this.ask(async () => {
      this.looks.outdated();
      this.view = await this.#metrics(true);
    });
  }

  remove(name: string): Promise<void> {
    return this.ask(async () => {
      this.looks.outdated();
      await this.backend.call("metric_remove", { migration: this.migration, name });
      this.looks.soon();
    });
  }

  #metrics(read: boolean): Promise<MetricsView> {
    return this.backend.call("metrics", { migration: this.migration, name: null, read });
  }
}

/** What is filled in for one metric. What may be in it is the engine's to say. */
export class MetricDraft {
  name = $state("");
  url = $state("");
  query = $state("");
  bound = $state<"above" | "below">("above");
  limit = $state<number | null>(null);
  for_s = $state<number | null>(60);
  unit = $state("");
  login = $state<"none" | "token" | "basic">("none");
  user = $state("");
  secret = $state("");
  caFile = $state("");
  busy = $state<"try" | "save" | null>(null);
  fault = $state.raw<ApiError | null>(null);
  tried = $state.raw<MetricRow | null>(null);

  readonly complete = $derived(
    this.name.trim() !== "" && this.url.trim() !== "" && this.query.trim() !== "" && this.limit !== null && this.for_s !== null && (this.login === "none" || this.secret !== ""),
  );

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  /** Reads it as it is filled in; nothing is kept. */
  async tryIt(): Promise<void> {
    this.tried = null;
    await this.#ask("try", async (form) => {
      this.tried = await this.backend.call("metric_try", form);
    });
  }

  /** Whether it was kept. */
  async save(): Promise<boolean> {
    return this.#ask("save", async (form) => {
      await this.backend.call("metric_set", form);
      this.secret = "";
    });
  }

  async #ask(busy: "try" | "save", what: (form: MetricForm) => Promise<void>): Promise<boolean> {
    if (this.busy !== null || this.limit === null || this.for_s === null) return false;
    this.busy = busy;
    this.fault = null;
    try {
      await what({
        migration: this.migration,
        name: this.name,
        url: this.url,
        query: this.query,
        bound: this.bound,
        limit: this.limit,
        for_s: this.for_s,
        unit: this.unit,
        user: this.login === "basic" ? this.user : null,
        secret: this.login === "none" ? null : this.secret,
        secret_file: null,
        ca_file: this.caFile.trim() === "" ? null : this.caFile,
      });
      return true;
    } catch (thrown) {
      this.fault = toFault(thrown);
      return false;
    } finally {
      this.busy = null;
    }
  }
}
