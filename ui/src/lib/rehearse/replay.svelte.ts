import type { ReplayJob } from "../api/generated/ReplayJob";
import type { ReplayJobView } from "../api/generated/ReplayJobView";
import type { Backend } from "../backend/backend";
import { Asks } from "./asks.svelte";

export type Speed = "one_by_one" | "1" | "2" | "10" | "max";

/** A replay of this process. Nothing is judged here. */
export class Replay {
  readonly asks: Asks<ReplayJobView>;
  file = $state("");
  at = $state("");
  /** A second copy; empty for none. */
  against = $state("");
  /** Chosen by hand; null for the usual one. */
  chosen = $state<Speed | null>(null);
  /** Whether the capture has answers of the source. */
  hasAnswers = $state(false);
  /** Whether the tables of both are compared before. */
  firstLook = $state(true);

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {
    this.asks = new Asks(
      backend,
      migration,
      () => backend.call("replay_job", { name: migration }),
      ({ job }) => job !== null && job.ended === null,
    );
  }

  get job(): ReplayJob | null {
    return this.asks.view?.job ?? null;
  }

  get running(): boolean {
    return this.job !== null && this.job.ended === null;
  }

  /** What is compared is played one by one unless somebody chose otherwise; else one copy has a clock to keep. */
  get speed(): Speed {
    if (this.against === "" && !this.hasAnswers) return this.chosen === null || this.chosen === "one_by_one" ? "1" : this.chosen;
    return this.chosen ?? "one_by_one";
  }

  start(): Promise<void> {
    const speed = this.speed;
    const paced = speed === "one_by_one" || speed === "max" ? { speed } : { speed: "times" as const, times: Number(speed) };
    const against = this.against === "" ? null : this.against;
    return this.asks.act(() => this.backend.call("replay_start", { migration: this.migration, file: this.file, at: this.at, against, first_look: this.firstLook, ...paced }));
  }

  stop(): Promise<void> {
    return this.asks.act(async () => {
      await this.backend.call("replay_stop", { name: this.migration });
    });
  }
}
