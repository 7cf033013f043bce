import type { LatencyChart } from "../api/generated/LatencyChart";
import type { Percentile } from "../api/generated/Percentile";
import type { Timed } from "../api/generated/Timed";
import type { Backend } from "../backend/backend";
import { WatchedAnswer } from "../parts/answer.svelte";

/** Percentiles are taken down every five seconds. */
const PERIOD_MS = 5_000;

/** Latency of both sides over time, while somebody looks. */
export class Latency extends WatchedAnswer<LatencyChart> {
  what = $state<Timed>("reads");
  percentile = $state<Percentile>("p99");
  minutes = $state<number>(60);
  /** CSS pixels that the picture may take. */
  width = 800;
  dark = false;

  constructor(backend: Backend, migration: string) {
    super(backend, migration, PERIOD_MS);
  }

  protected look(): Promise<LatencyChart> {
    return this.backend.call("latency_chart", {
      migration: this.migration,
      what: this.what,
      percentile: this.percentile,
      minutes: this.minutes,
      width: this.width,
      height: 180,
      dark: this.dark,
      utc_offset_minutes: -new Date().getTimezoneOffset(),
    });
  }
}
