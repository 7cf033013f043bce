import type { ApiError } from "../api/generated/ApiError";
import type { Cockpit } from "../api/generated/Cockpit";
import type { Command } from "../api/generated/Command";
import type { CommandResult } from "../api/generated/CommandResult";
import type { RunCard } from "../api/generated/RunCard";
import { toFault } from "../backend/backend";
import type { CockpitWatch } from "../cockpit/watch.svelte";

const POLL_MS = 200;

/** Asks for one command and follows it to its end. */
export class Runner {
  stage = $state<"idle" | "asking" | "running" | "ended">("idle");
  result = $state.raw<CommandResult | null>(null);
  fault = $state.raw<ApiError | null>(null);
  startedAt = $state<number | null>(null);

  #command: Command | null = null;
  #newestRunBefore = 0;
  #gone = false;

  constructor(readonly watch: CockpitWatch) {}

  async start(command: Command, reason: string): Promise<void> {
    if (this.stage === "asking" || this.stage === "running") return;
    const { backend, migration, data } = this.watch;
    this.#command = command;
    this.#newestRunBefore = Math.max(data?.running?.run ?? 0, data?.last_run?.run ?? 0);
    this.stage = "asking";
    this.result = null;
    this.fault = null;
    this.startedAt = Date.now();
    try {
      const { ticket } = await backend.call("run", { migration, command, reason });
      this.stage = "running";
      this.watch.nudge();
      await this.#follow(ticket);
    } catch (thrown) {
      this.fault = toFault(thrown);
      this.stage = "idle";
    }
  }

  /** Forgets a command that ended, so that it can be asked for again. */
  reset(): void {
    if (this.stage !== "ended") return;
    this.stage = "idle";
    this.result = null;
    this.fault = null;
  }

  /** The screen left; the command goes on without being watched from here. */
  leave(): void {
    this.#gone = true;
  }

  /** The run that this request became, once the cockpit shows it. */
  card(data: Cockpit | null): RunCard | null {
    if (this.stage === "idle" || data === null) return null;
    const ours = (card: RunCard | null) =>
      card !== null && card.run > this.#newestRunBefore && card.command.command === this.#command?.command;
    if (ours(data.running)) return data.running;
    return ours(data.last_run) ? data.last_run : null;
  }

  async #follow(ticket: number): Promise<void> {
    while (!this.#gone) {
      try {
        const result = await this.watch.backend.call("command_result", { ticket });
        this.fault = null;
        this.result = result;
        if (result.state !== "waiting" && result.state !== "running") {
          this.stage = "ended";
          this.watch.nudge();
          return;
        }
      } catch (thrown) {
        // The command goes on in the engine; only our view of it is lost, and it may come back.
        this.fault = toFault(thrown);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
