import type { Cockpit } from "../src/lib/api/generated/Cockpit";
import type { Event } from "../src/lib/api/generated/Event";
import type { Args, Backend, CommandName, Result, Unlisten } from "../src/lib/backend/backend";
import { World } from "../src/lib/backend/sample/world";

export interface Call {
  name: CommandName;
  args: unknown;
}

type Answers = { [K in CommandName]?: (args: Args<K>) => Result<K> | Promise<Result<K>> };

/** A backend whose answers a test writes, and that remembers what it was asked. */
export class FakeBackend implements Backend {
  readonly calls: Call[] = [];
  #listeners = new Set<(event: Event) => void>();

  constructor(readonly answers: Answers) {}

  async call<K extends CommandName>(name: K, args: Args<K>): Promise<Result<K>> {
    this.calls.push({ name, args });
    const answer = this.answers[name];
    if (answer === undefined) throw new Error(`the test gave no answer for ${name}`);
    return await answer(args);
  }

  listen(cb: (event: Event) => void): Promise<Unlisten> {
    this.#listeners.add(cb);
    return Promise.resolve(() => this.#listeners.delete(cb));
  }

  menu(): Promise<Unlisten> {
    return Promise.resolve(() => undefined);
  }

  exportFindings(): Promise<null> {
    return Promise.resolve(null);
  }

  exportTimeline(): Promise<null> {
    return Promise.resolve(null);
  }

  emit(event: Event): void {
    for (const listener of this.#listeners) listener(event);
  }

  asked(name: CommandName): Call[] {
    return this.calls.filter((c) => c.name === name);
  }
}

/** The cockpit of a scenario, with what the test changes. */
export function cockpit(scenario: string, change: Partial<Cockpit> = {}): Cockpit {
  return { ...new World(scenario, () => undefined).cockpit(), ...change };
}
