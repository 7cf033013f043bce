import type { Backend } from "./backend";
import { TauriBackend } from "./tauri";
import { WebBackend } from "./web";

/** The host this page runs in. */
export async function connect(): Promise<Backend> {
  // Invented data must never stand in a shipped window, so the branch is cut from every build.
  if (import.meta.env.DEV) {
    const scenario = new URLSearchParams(location.search).get("sample");
    if (scenario !== null) {
      const { SampleBackend } = await import("./sample/backend");
      return new SampleBackend(scenario);
    }
  }
  return "__TAURI_INTERNALS__" in window ? new TauriBackend() : new WebBackend();
}
