import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { SCENARIOS } from "../src/lib/backend/sample/scenarios";
import { App } from "../src/lib/shell/app.svelte";
import { PAGES } from "../src/lib/shell/pages";
import Shell from "../src/lib/shell/Shell.svelte";

const NAME = "orders-eu-to-18";

beforeEach(() => {
  localStorage.clear();
  location.hash = "";
});

function shell(scenario: string, hash = `#/m/${NAME}/overview`) {
  location.hash = hash;
  const app = new App(new SampleBackend(scenario));
  render(Shell, { app });
  return app;
}

const UNOPENED = ["down", "empty", "endpoints"];

describe("every page in every scenario", () => {
  it.each(Object.keys(SCENARIOS).filter((s) => !UNOPENED.includes(s)))("%s", async (scenario) => {
    const app = shell(scenario);
    await screen.findByTestId("headline");
    for (const page of PAGES) {
      app.router.go(page.id);
      await waitFor(() => expect(screen.getByTestId(`nav-${page.id}`).getAttribute("aria-current"), `${page.id} opens`).toBe("page"));
    }
  });
});

it("a first-time user is told what to do", async () => {
  shell("empty", "");
  const steps = await screen.findByTestId("first-steps");
  expect(steps.textContent, "the first step is named").toContain("Add the source and the target");
  expect(screen.getByTestId<HTMLButtonElement>("migration-new").disabled, "a migration needs two endpoints first").toBe(true);
});

it("the list opens a migration, and a reopened window comes back to it", async () => {
  shell("busy", "");
  await fireEvent.click(await screen.findByTestId(`migration-open-${NAME}`));
  expect((await screen.findByTestId("headline")).textContent, "its state stands in the header").toContain("10 % of reads on target");
  const app = new App(new SampleBackend("busy"));
  location.hash = "";
  app.router.start()();
  expect(app.router.place, "without an address the last place is remembered").toEqual({ page: "overview", migration: NAME });
});

it("a failed first call says what is wrong, and asks again", async () => {
  shell("down");
  const fault = await screen.findByTestId("cockpit-fault");
  expect(fault.textContent, "the engine's sentence").toContain("The store could not be opened");
  expect(fault.textContent, "and its remedy").toContain("Free some space");
});

it("a stale picture is marked in the page and in the header", async () => {
  shell("stale");
  const banner = await screen.findByTestId("stale-banner");
  expect(banner.textContent, "with its age").toMatch(/4\d s ago/);
  expect(screen.getByTestId("headline").parentElement?.textContent, "the state pill says so too").toContain("old");
});

describe("the rollback button", () => {
  it("is closed with its reason in words while there is nothing to roll back", async () => {
    shell("fresh");
    const button = await screen.findByTestId<HTMLButtonElement>("rollback-open");
    expect(button.disabled, "closed").toBe(true);
    expect(button.textContent, "the reason is readable without a pointer").toContain("Nothing to roll back");
  });

  it("opens its dialog by click and by Ctrl+Shift+R, also over another dialog; Esc closes", async () => {
    const app = shell("target");
    await fireEvent.click(await screen.findByTestId("rollback-open"));
    await screen.findByTestId("rollback-dialog");
    await fireEvent.keyDown(window, { key: "Escape" });
    await waitFor(() => expect(screen.queryByTestId("rollback-dialog"), "Esc closes").toBeNull());
    app.open({ kind: "keys" });
    await screen.findByTestId("keys-dialog");
    await fireEvent.keyDown(window, { code: "KeyR", key: "R", ctrlKey: true, shiftKey: true });
    await screen.findByTestId("rollback-dialog");
    expect(screen.queryByTestId("keys-dialog"), "the other dialog gave way").toBeNull();
    await fireEvent.keyUp(window, { code: "KeyR", key: "R" });
  });
});

describe("keys", () => {
  it("lead to pages, but not while typing", async () => {
    const app = shell("busy");
    await screen.findByTestId("headline");
    await fireEvent.keyDown(document.body, { key: "j" });
    await screen.findByTestId("journal-filter");
    expect(app.router.place.page, "J is the journal").toBe("journal");
    await fireEvent.keyDown(screen.getByTestId("journal-filter"), { key: "1" });
    expect(app.router.place.page, "a digit typed into a field stays there").toBe("journal");
    await fireEvent.keyDown(document.body, { key: "?" });
    await screen.findByTestId("keys-dialog");
    await fireEvent.keyDown(document.body, { key: "1" });
    expect(app.router.place.page, "an open dialog keeps the page").toBe("journal");
  });

  it("are one to one", () => {
    expect(new Set(PAGES.map((p) => p.key)).size, "no two pages share a key").toBe(PAGES.length);
    expect(PAGES.some((p) => p.key === "n"), "N is the next command").toBe(false);
  });
});

it("a side that stopped being measured is said, although the engine goes on", async () => {
  shell("silent");
  const banner = await screen.findByTestId("old-banner");
  expect(banner.textContent, "what is old, and how old").toMatch(/the source's server 2\d s, lag source → target 2\d s/);
  expect(screen.queryByTestId("stale-banner"), "the picture as a whole is not stale").toBeNull();
});

it("asks for passwords by itself once, and goes on asking in a banner", async () => {
  shell("passwords");
  await screen.findByTestId("passwords-dialog");
  await fireEvent.keyDown(window, { key: "Escape" });
  await waitFor(() => expect(screen.queryByTestId("passwords-dialog"), "later is allowed").toBeNull());
  expect((await screen.findByTestId("passwords-banner")).textContent, "but it is not forgotten").toContain("orders-eu");
  await fireEvent.click(screen.getByTestId("passwords-open"));
  const field = await screen.findByTestId("password-orders-eu");
  await fireEvent.input(field, { target: { value: "secret" } });
  await fireEvent.click(screen.getByTestId("passwords-confirm"));
  await waitFor(() => expect(screen.queryByTestId("passwords-dialog"), "done").toBeNull());
});

it("says that there is no keyring where there is none", async () => {
  shell("passwords", "#/endpoints");
  expect((await screen.findByTestId("keyring-banner")).textContent, "in a sentence").toContain("passwords are held in memory");
});

it("held clients are shown with seconds and the limit", async () => {
  shell("running");
  const held = await screen.findByTestId("clients-held");
  expect(held.textContent, "how long and how long at most").toMatch(/held for \d+\.\d s, limit 5 s/);
});

it("a notice of the engine appears, and a bad one stays until it was read", async () => {
  const app = shell("busy");
  await screen.findByTestId("headline");
  (app.backend as SampleBackend).emit({ event: "notice", migration: NAME, title: "A step failed", body: "HAProxy did not answer.", tone: "bad" });
  const notice = await screen.findByTestId("notice");
  expect(notice.textContent, "title and body").toContain("A step failed");
  for (const title of ["Lag gate open", "Soak gate open", "Route gate open"]) {
    (app.backend as SampleBackend).emit({ event: "notice", migration: NAME, title, body: "0.006 s", tone: "good" });
  }
  await waitFor(() => expect(screen.getAllByTestId("notice").length, "few are shown at once, the page keeps its room").toBe(2));
  expect(screen.getAllByTestId("notice")[0]?.textContent, "what is wrong stands before newer good news").toContain("A step failed");
  await fireEvent.click(screen.getByRole("button", { name: /and 2 more/ }));
  await waitFor(() => expect(screen.queryByTestId("notice"), "all of them can go at once").toBeNull());
});

it("a notice can be dismissed alone", async () => {
  const app = shell("busy");
  await screen.findByTestId("headline");
  (app.backend as SampleBackend).emit({ event: "notice", migration: NAME, title: "A step failed", body: "HAProxy did not answer.", tone: "bad" });
  await screen.findByTestId("notice");
  await fireEvent.click(screen.getByRole("button", { name: /Dismiss: A step failed/ }));
  expect(screen.queryByTestId("notice"), "dismissed").toBeNull();
});
