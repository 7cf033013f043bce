import type { ApiError } from "../api/generated/ApiError";
import type { LatencyChart } from "../api/generated/LatencyChart";
import type { Percentile } from "../api/generated/Percentile";
import type { Timed } from "../api/generated/Timed";
import { toFault, type Backend } from "../backend/backend";
import { Looks } from "../parts/looks";

/** Percentiles are taken down every five seconds. */
const PERIOD_MS = 5_000;

/** Latency of both sides over time, while somebody looks. */
export class Latency {
  view = $state.raw<LatencyChart | null>(null);
  fault = $state.raw<ApiError | null>(null);
  what = $state<Timed>("reads");
  percentile = $state<Percentile>("p99");
  minutes = $state<number>(60);
  /** CSS pixels that the picture may take. */
  width = 800;
  dark = false;

  readonly #looks = new Looks<LatencyChart>({
    period: PERIOD_MS,
    ask: () =>
      this.backend.call("latency_chart", {
        migration: this.migration,
        what: this.what,
        percentile: this.percentile,
        minutes: this.minutes,
        width: this.width,
        height: 180,
        dark: this.dark,
        utc_offset_minutes: -new Date().getTimezoneOffset(),
      }),
    show: (next) => {
      this.view = next;
      this.fault = null;
    },
    failed: (thrown) => (this.fault = toFault(thrown)),
  });

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  start(): () => void {
    return this.#looks.start();
  }

  /** Something else is asked for: a picture of what was asked before is not shown any more. */
  changed(): void {
    this.#looks.outdated();
    this.#looks.soon();
  }
}
