import type { LoadHow } from "../api/generated/LoadHow";
import type { LoadJob } from "../api/generated/LoadJob";
import type { LoadOf } from "../api/generated/LoadOf";
import type { LoadView } from "../api/generated/LoadView";
import type { Backend } from "../backend/backend";
import { Asks } from "./asks.svelte";

export const CHART_HEIGHT = 140;

/** Load of this process, and the form that asks for it. Nothing is judged here. */
export class Load {
  readonly asks: Asks<LoadView>;
  of = $state<"capture" | "script">("capture");
  file = $state("");
  times = $state<number | null>(1);
  script = $state("");
  at = $state("");
  how = $state<"hold" | "ramp">("hold");
  /** Transactions per second; null for the capture's own. */
  rate = $state<number | null>(null);
  from = $state<number | null>(50);
  to = $state<number | null>(1000);
  steps = $state<number | null>(8);
  seconds = $state(30);
  sessions = $state<number | null>(null);
  maxP99 = $state<number | null>(null);
  maxFailed = $state<number | null>(1);
  /** CSS pixels that the picture may take. */
  width = 800;
  dark = false;

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {
    this.asks = new Asks(
      backend,
      migration,
      () => backend.call("load_job", { migration, width: this.width, height: CHART_HEIGHT, dark: this.dark, utc_offset_minutes: -new Date().getTimezoneOffset() }),
      ({ job }) => job !== null && job.ended === null,
    );
  }

  get job(): LoadJob | null {
    return this.asks.view?.job ?? null;
  }

  get running(): boolean {
    return this.job !== null && this.job.ended === null;
  }

  start(): Promise<void> {
    const of: LoadOf = this.of === "capture" ? { of: "capture", file: this.file, times: this.times ?? 1 } : { of: "script", text: this.script };
    const how: LoadHow = this.how === "hold" ? { how: "hold", per_second: this.rate } : { how: "ramp", from: this.from ?? 0, to: this.to ?? 0, steps: this.steps ?? 0 };
    return this.asks.act(async () => {
      await this.backend.call("load_start", {
        migration: this.migration,
        at: this.at,
        of,
        how,
        seconds: this.seconds,
        sessions: this.sessions,
        max_p99_ms: this.maxP99,
        max_failed: this.maxFailed ?? 100,
      });
    });
  }

  stop(): Promise<void> {
    return this.asks.act(async () => {
      await this.backend.call("load_stop", { name: this.migration });
    });
  }
}
