import type { Event } from "../api/generated/Event";
import { ApiFault, toFault, type Args, type Backend, type CommandName, type Result, type Unlisten } from "./backend";

/** A browser in front of the board: the same commands over HTTP. */
export class WebBackend implements Backend {
  #source: EventSource | null = null;
  #listeners = new Set<(event: Event) => void>();

  async call<K extends CommandName>(name: K, args: Args<K>): Promise<Result<K>> {
    try {
      const response = await fetch(`/api/call/${name}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(args),
      });
      const body: unknown = await response.json();
      if (!response.ok) throw body;
      return body as Result<K>;
    } catch (thrown) {
      throw toFault(thrown);
    }
  }

  /** One stream for the whole page, however many listen: browsers allow few connections to one host. */
  listen(cb: (event: Event) => void): Promise<Unlisten> {
    this.#listeners.add(cb);
    this.#source ??= this.#connect();
    return Promise.resolve(() => {
      this.#listeners.delete(cb);
      if (this.#listeners.size > 0) return;
      this.#source?.close();
      this.#source = null;
    });
  }

  menu(): Promise<Unlisten> {
    return Promise.resolve(() => undefined);
  }

  exportFindings(): Promise<null> {
    const message = "A browser cannot write the file.";
    return Promise.reject(new ApiFault({ code: "failed", message, remedy: "Use the window, or switchyardctl findings --export FILE." }));
  }

  exportTimeline(): Promise<null> {
    const message = "A browser cannot write the file.";
    return Promise.reject(new ApiFault({ code: "failed", message, remedy: "Use the window, or switchyardctl plan timeline --format html." }));
  }

  #connect(): EventSource {
    const source = new EventSource("/api/events");
    source.onmessage = (message) => {
      let event: Event;
      try {
        event = JSON.parse(String(message.data)) as Event;
      } catch {
        // A broken frame costs one event; the next poll shows what is true.
        return;
      }
      for (const listener of this.#listeners) listener(event);
    };
    return source;
  }
}
