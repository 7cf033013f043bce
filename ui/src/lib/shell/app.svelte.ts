import { getContext, setContext } from "svelte";
import type { AppInfo } from "../api/generated/AppInfo";
import type { Command } from "../api/generated/Command";
import type { DualWriteView } from "../api/generated/DualWriteView";
import type { Tone } from "../api/generated/Tone";
import type { Backend } from "../backend/backend";
import type { CockpitWatch } from "../cockpit/watch.svelte";
import type { MetricDraft } from "../queries/metrics.svelte";
import type { DualWrite } from "../replication/dualWrite.svelte";
import { Router } from "./route.svelte";

/** The one dialog that may be open. */
export type Open =
  | { kind: "preview"; command: Command }
  | { kind: "rollback" }
  | { kind: "cleanup" }
  | { kind: "override"; gate: string; title: string; stands: string }
  | { kind: "sign_off"; check: string; title: string }
  | { kind: "passwords"; secrets: string[] }
  | { kind: "limits" }
  | { kind: "metric"; draft: MetricDraft; onsaved: () => void }
  | { kind: "accept"; object: string; send: (name: string, reason: string) => Promise<unknown> }
  | { kind: "dual_write"; dual: DualWrite; view: DualWriteView }
  | { kind: "keys" };

export interface Notice {
  id: number;
  migration: string;
  title: string;
  body: string;
  tone: Tone;
  at: number;
}

const INFO_AGAIN_MS = 3_000;
const NOTICE_MS = 12_000;
const MOST_NOTICES = 20;

/** What the whole screen shares. */
export class App {
  readonly router = new Router();
  dialog = $state.raw<Open | null>(null);
  info = $state.raw<AppInfo | null>(null);
  notices = $state.raw<Notice[]>([]);
  watch = $state.raw<CockpitWatch | null>(null);
  #nextNotice = 1;

  constructor(readonly backend: Backend) {}

  open(dialog: Open): void {
    this.dialog = dialog;
  }

  /** The dialog that shows what a command will run; Cleanup has its own, because it asks for the name. */
  openCommand(command: Command): void {
    if (command.command === "roll_back") this.open({ kind: "rollback" });
    else if (command.command === "cleanup") this.open({ kind: "cleanup" });
    else this.open({ kind: "preview", command });
  }

  close(): void {
    this.dialog = null;
  }

  async loadInfo(): Promise<void> {
    try {
      this.info = await this.backend.call("app_info", {});
    } catch {
      // Only the keyring's banner and the version depend on it; every page reports its own failures.
      setTimeout(() => void this.loadInfo(), INFO_AGAIN_MS);
    }
  }

  notify(notice: Omit<Notice, "id" | "at">): void {
    const id = this.#nextNotice++;
    this.notices = [...this.notices, { ...notice, id, at: Date.now() }].slice(-MOST_NOTICES);
    // A bad one stays until it was read.
    if (notice.tone !== "bad") setTimeout(() => this.dismiss(id), NOTICE_MS);
  }

  dismissAll(): void {
    this.notices = [];
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((n) => n.id !== id);
  }
}

const KEY = Symbol("app");

export function provideApp(app: App): App {
  return setContext(KEY, app);
}

export function useApp(): App {
  return getContext<App>(KEY);
}

/** For tests, which mount one component without the shell. */
export function appContext(app: App): Map<symbol, App> {
  return new Map([[KEY, app]]);
}
