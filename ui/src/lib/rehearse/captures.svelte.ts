import type { CaptureRow } from "../api/generated/CaptureRow";
import type { CapturesView } from "../api/generated/CapturesView";
import type { Backend } from "../backend/backend";
import { Asks } from "./asks.svelte";
import { captureText } from "./words";

/** The captures of this machine, and the one that is taken. Nothing is judged here. */
export class Captures {
  readonly asks: Asks<CapturesView>;
  /** How long one is taken, s. */
  seconds = $state(600);
  /** Whether what the source answers is kept as well. */
  answers = $state(false);
  /** Where it goes; empty for what is suggested. */
  file = $state("");
  /** One to be added by its path. */
  added = $state("");

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {
    this.asks = new Asks(
      backend,
      migration,
      () => backend.call("captures", { migration }),
      (view) => view.captures.some((row) => row.stands === "being_taken") || (view.taking !== null && view.taking.ended === null),
    );
  }

  get rows(): CaptureRow[] {
    return this.asks.view?.captures ?? [];
  }

  /** Those that can be played or drawn from, with what stands in a list. */
  choices(now: number): [string, string][] {
    const usable = this.rows.filter((row) => row.stands === "whole" || row.stands === "changed");
    return usable.map((row) => [row.file, captureText(row, now)]);
  }

  /** Whether a capture has answers of the source. */
  hasAnswers(file: string): boolean {
    return this.rows.some((row) => row.file === file && row.answers > 0);
  }

  get taking(): boolean {
    return this.asks.view?.taking != null && this.asks.view.taking.ended === null;
  }

  take(): Promise<void> {
    const file = this.file.trim();
    return this.asks.act(() => this.backend.call("capture_start", { migration: this.migration, file: file === "" ? null : file, seconds: this.seconds === 0 ? null : this.seconds, answers: this.answers }));
  }

  /** Ends the one that is taken; of one that broke off, keeps what there is. */
  stop(file: string): Promise<void> {
    return this.asks.act(async () => {
      await this.backend.call("capture_stop", { file });
    });
  }

  add(file = this.added.trim()): Promise<void> {
    return this.asks.act(async () => {
      await this.backend.call("capture_add", { file });
      this.added = "";
    });
  }

  forget(file: string): Promise<void> {
    return this.asks.act(async () => {
      await this.backend.call("capture_forget", { file });
    });
  }
}
