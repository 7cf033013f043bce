import { render, screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { Cockpit } from "../src/lib/api/generated/Cockpit";
import ActionBar from "../src/lib/cockpit/ActionBar.svelte";
import { CockpitWatch } from "../src/lib/cockpit/watch.svelte";
import StrategyPick from "../src/lib/migrations/StrategyPick.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";
import HeldBanner from "../src/lib/shell/HeldBanner.svelte";
import { cockpit, FakeBackend } from "./setup";

function banner(data: Cockpit) {
  const app = new App(new FakeBackend({}));
  render(HeldBanner, { props: { data }, context: appContext(app) });
  return app;
}

describe("writes that are held", () => {
  it("are in sight with since when, for how long and the limit", () => {
    const app = banner(cockpit("window"));
    const said = screen.getByTestId("held-banner").textContent ?? "";
    expect(said, "what is so").toMatch(/Writes are refused on the source for 21:2\d/);
    expect(said, "against what was agreed").toContain("Limit 8 h");
    expect(said, "who answers for it").toContain("ann@ops-laptop");
    screen.getByTestId("held-release").click();
    expect(app.dialog?.kind, "the release is previewed, not run by the click").toBe("preview");
  });

  it("are a warning once the window is longer than agreed", () => {
    banner(cockpit("overdue"));
    const held = screen.getByTestId("held-banner");
    expect(held.textContent, "the limit is told").toContain("longer than the limit of 8 h");
    expect(held.className, "and it looks like a warning").toContain("warn");
  });

  it("that the source accepts all the same are an alarm", () => {
    const data = cockpit("window");
    if (data.held !== null) data.held.seen = { at: Date.now(), refuses: false };
    banner(data);
    const held = screen.getByTestId("held-banner");
    expect(held.getAttribute("role"), "it is read aloud").toBe("alert");
    expect(held.textContent, "what to do").toContain("Release them, and hold them again");
  });

  it("show nothing while writes go on", () => {
    banner(cockpit("busy"));
    expect(screen.queryByTestId("held-banner"), "no banner without a hold").toBeNull();
  });

  it("can be released while a copy runs", () => {
    const data = cockpit("window");
    data.running = cockpit("running").running;
    const backend = new FakeBackend({});
    const watch = new CockpitWatch(backend, "m");
    watch.data = data;
    render(ActionBar, { props: { watch }, context: appContext(new App(backend)) });
    expect(screen.getByTestId("back-command").textContent, "the window does not wait for the copy's end").toContain("Release writes");
  });
});

describe("the strategies", () => {
  it("offer the offline one with what it costs", () => {
    render(StrategyPick, { props: { value: "live" } });
    const choice = screen.getByTestId("strategy-offline").closest("label");
    expect(choice?.textContent, "downtime is named").toContain("As long as copy and comparison take");
  });
});
