import { invoke } from "@tauri-apps/api/core";
import { listen as listenTo } from "@tauri-apps/api/event";
import type { Event } from "../api/generated/Event";
import type { Exported } from "../api/generated/Exported";
import type { Written } from "../api/generated/Written";
import { toFault, type Args, type Backend, type CommandName, type Result, type Unlisten } from "./backend";

/** The desktop window: one bridge command, one event channel. */
export class TauriBackend implements Backend {
  async call<K extends CommandName>(name: K, args: Args<K>): Promise<Result<K>> {
    try {
      return await invoke<Result<K>>("call", { name, args });
    } catch (thrown) {
      throw toFault(thrown);
    }
  }

  listen(cb: (event: Event) => void): Promise<Unlisten> {
    return listenTo<Event>("switchyard", (message) => cb(message.payload));
  }

  menu(cb: (id: string) => void): Promise<Unlisten> {
    return listenTo<string>("menu", (message) => cb(message.payload));
  }

  exportFindings(migration: string): Promise<Exported | null> {
    return this.#export<Exported>("export_findings", migration);
  }

  exportTimeline(migration: string): Promise<Written | null> {
    return this.#export<Written>("export_timeline", migration);
  }

  async #export<T>(command: string, migration: string): Promise<T | null> {
    try {
      return await invoke<T | null>(command, { migration });
    } catch (thrown) {
      throw toFault(thrown);
    }
  }
}
