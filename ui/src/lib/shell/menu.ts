import type { App } from "./app.svelte";
import { PAGES, STORE_PAGES } from "./pages";

/** What an entry of the host's menu does here. The ids are the host's; one that is not known is none of ours. */
export function onMenu(app: App, id: string, openRollback: () => void): void {
  if (id === "shortcuts") app.open({ kind: "keys" });
  else if (id === "rollback") openRollback();
  else if (id === "preview-next") {
    const next = app.watch?.data?.next;
    if (next) app.openCommand(next.command);
  } else {
    // “New migration” has no place in the navigation, so it is among the store's pages alone.
    const page = [...PAGES.map((p) => p.id), ...STORE_PAGES].find((p) => id === `page:${p}`);
    if (page === undefined) return;
    // A dialog belongs to the page below it.
    app.close();
    app.router.go(page);
  }
}
