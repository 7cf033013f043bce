import type { App } from "./app.svelte";
import { PAGES } from "./pages";

/** Typing goes to the field, not to the shortcuts. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** Keys of the whole window: Esc, `?`, one key per page, `n` for the next command. */
export function onKey(app: App, event: KeyboardEvent): void {
  if (event.key === "Escape" && app.dialog !== null) {
    event.preventDefault();
    app.close();
    return;
  }
  if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
  if (event.key === "?") {
    event.preventDefault();
    app.open({ kind: "keys" });
    return;
  }
  if (app.dialog !== null) return;
  const next = app.watch?.data?.next;
  if (event.key === "n" && next) {
    event.preventDefault();
    app.openCommand(next.command);
    return;
  }
  const page = PAGES.find((p) => p.key === event.key.toLowerCase());
  if (page !== undefined && !event.shiftKey) {
    event.preventDefault();
    app.router.go(page.id);
  }
}
