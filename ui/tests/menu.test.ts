import { beforeEach, describe, expect, it, vi } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { App } from "../src/lib/shell/app.svelte";
import { onMenu } from "../src/lib/shell/menu";

beforeEach(() => {
  localStorage.clear();
  location.hash = "";
});

const app = () => new App(new SampleBackend("busy"));

describe("the host's menu", () => {
  it.each(["new", "migrations", "endpoints"])("leads to %s without a migration", (page) => {
    const a = app();
    a.open({ kind: "keys" });
    onMenu(a, `page:${page}`, vi.fn());
    expect(a.router.place.page, "an entry that does nothing is worse than none").toBe(page);
    expect(a.dialog, "a dialog of another page must not stay above the new one").toBeNull();
  });

  it("opens the shortcuts and the rollback", () => {
    const a = app();
    const rollback = vi.fn();
    onMenu(a, "shortcuts", rollback);
    expect(a.dialog).toEqual({ kind: "keys" });
    onMenu(a, "rollback", rollback);
    expect(rollback, "the same way as the button, so that a closed one says why").toHaveBeenCalledOnce();
  });

  it("leaves what it does not know alone", () => {
    const a = app();
    const before = a.router.place;
    onMenu(a, "page:nowhere", vi.fn());
    expect(a.router.place).toEqual(before);
  });
});
