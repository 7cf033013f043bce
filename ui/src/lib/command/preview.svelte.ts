import type { ApiError } from "../api/generated/ApiError";
import type { Command } from "../api/generated/Command";
import type { Preview } from "../api/generated/Preview";
import { toFault, type Backend } from "../backend/backend";

const AGAIN_MS = 2_000;

/** What a command would do, asked again while it is shown: gates, facts and blockers move. */
export class PreviewFeed {
  preview = $state.raw<Preview | null>(null);
  fault = $state.raw<ApiError | null>(null);
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly backend: Backend,
    readonly migration: string,
    readonly command: Command,
  ) {}

  start(): () => void {
    this.#stopped = false;
    void this.#ask();
    return () => this.stop();
  }

  /** Once a command was sent, what it would do must not change under the reader. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    try {
      const preview = await this.backend.call("preview", { migration: this.migration, command: this.command });
      if (this.#stopped) return;
      this.preview = preview;
      this.fault = null;
    } catch (thrown) {
      if (this.#stopped) return;
      this.fault = toFault(thrown);
    }
    this.#timer = setTimeout(() => void this.#ask(), AGAIN_MS);
  }
}
