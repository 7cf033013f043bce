import { render, screen, within } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import type { Cockpit } from "../src/lib/api/generated/Cockpit";
import type { Judged } from "../src/lib/api/generated/Judged";
import ActionBar from "../src/lib/cockpit/ActionBar.svelte";
import Checklist from "../src/lib/cockpit/Checklist.svelte";
import Gates from "../src/lib/cockpit/Gates.svelte";
import PhaseStrip from "../src/lib/cockpit/PhaseStrip.svelte";
import Tiles from "../src/lib/cockpit/Tiles.svelte";
import { CockpitWatch } from "../src/lib/cockpit/watch.svelte";
import { clock } from "../src/lib/clock.svelte";
import { when } from "../src/lib/format";
import { App, appContext } from "../src/lib/shell/app.svelte";
import { badgeOf } from "../src/lib/shell/badges";
import { cockpit, FakeBackend } from "./setup";

// The screen's clock stands still here: set to the moment at which the pictures below are made, however late the machine is.
beforeEach(() => {
  clock.now = Date.now();
});

function bar(data: Cockpit) {
  const backend = new FakeBackend({});
  const app = new App(backend);
  const watch = new CockpitWatch(backend, "m");
  watch.data = data;
  render(ActionBar, { props: { watch }, context: appContext(app) });
  return app;
}

describe("the next command", () => {
  it("says why it is closed and when it opens", () => {
    const data = cockpit("busy");
    bar(data);
    const button = screen.getByTestId<HTMLButtonElement>("next-command");
    const why = screen.getByTestId("next-why").textContent ?? "";
    expect(button.disabled, "a closed gate closes the button").toBe(true);
    expect(why, "the engine's reason stands beside it").toContain(data.next?.why_not ?? "never");
    expect(why, "with the time at which it opens").toContain(when(data.next?.opens_at ?? 0, Date.now()));
    expect(button.getAttribute("aria-describedby"), "the reason is tied to the button").toBe("next-why");
  });

  it("opens its preview, and never runs anything by itself", () => {
    const app = bar(cockpit("open"));
    screen.getByTestId("next-command").click();
    expect(app.dialog?.kind, "what will run is shown first").toBe("preview");
    expect((app.backend as FakeBackend).asked("run"), "nothing was run by the click").toEqual([]);
  });

  it("leads Cleanup to the dialog that asks for the name", () => {
    const app = bar(cockpit("cleanup"));
    screen.getByTestId("next-command").click();
    expect(app.dialog?.kind, "Cleanup never goes through the plain preview").toBe("cleanup");
  });

  it("gives way to the run while one is going", () => {
    bar(cockpit("running"));
    expect(screen.queryByTestId("next-command"), "no second command is offered").toBeNull();
  });
});

describe("gates", () => {
  function gates(list: Judged[]) {
    render(Gates, { props: { gates: list }, context: appContext(new App(new FakeBackend({}))) });
  }
  const base = { opens_at: null, at: null, counts_ms: null, overridden_by: null };

  it("say what was measured, what fails and what is missing", () => {
    gates([
      { gate: "lag", title: "Lag", verdict: "pass", evidence: "0.21 s, limit 1 s", ...base },
      { gate: "consistency", title: "Consistency", verdict: "fail", why: "1 of 13 tables differ", remedy: "Mend it.", ...base },
      { gate: "way_back", title: "Way back", verdict: "unknown", missing: "no canary yet", ...base },
    ]);
    expect(screen.getByTestId("gate-lag").textContent, "evidence of a pass").toContain("0.21 s, limit 1 s");
    expect(screen.getByTestId("gate-lag").textContent, "the mark has a word").toContain("passes");
    const fail = screen.getByTestId("gate-consistency").textContent;
    expect(fail, "reason of a failure").toContain("1 of 13 tables differ");
    expect(fail, "and its remedy").toContain("Mend it.");
    const unknown = screen.getByTestId("gate-way_back").textContent;
    expect(unknown, "Unknown says what is missing").toContain("no canary yet");
    expect(unknown, "and is never drawn as passed").not.toContain("✓");
  });

  it("that open by themselves wait, with the time", () => {
    const opens = Date.now() + 60_000;
    gates([{ gate: "soak", title: "Soak", verdict: "fail", why: "1:00 left", remedy: "Wait: it opens by itself.", ...base, opens_at: opens }]);
    const text = screen.getByTestId("gate-soak").textContent;
    expect(text, "waiting is not failing").toContain("●");
    expect(text, "the moment is named").toContain(when(opens, Date.now()));
  });

  it("name who overrode them and offer no second override", () => {
    gates([{ gate: "soak", title: "Soak", verdict: "fail", why: "1:00 left", remedy: "Wait.", ...base, overridden_by: "ann" }]);
    expect(screen.getByTestId("gate-soak").textContent, "the name stays visible").toContain("overridden by ann");
    expect(screen.queryByTestId("override-soak"), "one override is enough").toBeNull();
  });

  it("that pass cannot be overridden", () => {
    gates([{ gate: "lag", title: "Lag", verdict: "pass", evidence: "0.21 s", ...base }]);
    expect(screen.queryByTestId("override-lag"), "nothing to override").toBeNull();
  });
});

describe("the checklist", () => {
  const data = cockpit("busy");
  const card = data.phases.find((p) => p.phase === "traffic_cutover")!;

  it("shows evidence, what is missing, waiting time and signatures", () => {
    render(Checklist, { props: { card }, context: appContext(new App(new FakeBackend({}))) });
    expect(screen.getByTestId("check-lag").textContent, "evidence on the right").toContain("held 41:12");
    const drill = screen.getByTestId("check-drill");
    expect(drill.textContent, "Unknown names what is missing").toContain("missing: no drill has been run");
    expect(drill.dataset["verdict"], "and is never a pass").toBe("unknown");
    const soak = screen.getByTestId("check-soak").textContent;
    expect(soak, "what opens by itself waits, it does not fail").toContain("●");
    expect(soak, "and says what is left").toContain("waits: 1:24:07 left of 2 h");
    expect(soak, "with the time at which it opens").toMatch(/opens (\d+ \w+ )?\d\d:\d\d:\d\d, in 1:2\d:\d\d/);
    expect(screen.getByTestId("check-change_window").textContent, "who signed stands on the line").toContain("M. Okafor");
    expect(within(screen.getByTestId("check-owner_agrees")).getByRole("button").textContent, "a wanted signature can be given").toContain("sign off");
  });
});

it("what fails and blocks nothing is a warning in its own word, below what blocks", () => {
  const card = cockpit("busy").phases.find((p) => p.phase === "schema_analysis")!;
  const blocking = { ...card.checks[0]!, id: "source.blocking", verdict: { verdict: "fail", why: "no", remedy: "yes" } as const };
  render(Checklist, { props: { card: { ...card, checks: [...card.checks, blocking] }, sorted: true }, context: appContext(new App(new FakeBackend({}))) });
  const lines = within(screen.getByTestId("checklist")).getAllByRole("listitem");
  expect(lines.slice(0, 3).map((l) => l.dataset["testid"]), "what blocks comes first").toEqual(["check-source.blocking", "check-pair.time_zone", "check-target.statistics"]);
  expect(lines[0]!.textContent, "a check that was not weighed blocks").toContain("✕");
  expect(lines[1]!.textContent, "how bad it is stands before why").toContain("risks data: the source is in Europe/Madrid");
  expect(lines[1]!.textContent, "and its mark is no failure's").toContain("▲");
  expect(lines[2]!.textContent, "each in its own word").toContain("risks speed: 3 of 212");
});

it("the phase strip tells done, now and later apart without colour", () => {
  const data = cockpit("busy");
  render(PhaseStrip, { phases: data.phases, shown: data.phase, onpick: () => undefined });
  expect(screen.getByTestId("phase-validation").textContent, "done has a mark").toContain("✓");
  expect(screen.getByTestId("phase-traffic_cutover").textContent, "now has another").toContain("●");
  expect(screen.getByTestId("phase-cleanup").textContent, "later has a third").toContain("○");
});

describe("what was not measured lately", () => {
  const app = () => appContext(new App(new FakeBackend({})));

  it("turns by itself: figures are marked, and no old pass is drawn as one", () => {
    const data = cockpit("silent");
    render(Tiles, { data });
    const lag = screen.getByTestId("tile-lag");
    expect(lag.dataset["old"], "the tile knows").toBe("true");
    expect(lag.textContent, "its age stands on it").toMatch(/◷\s.*2\d s old/);
    expect(lag.textContent, "and what that means").toContain("○ no beat for 25 s");
    expect(screen.getByTestId("tile-rows").dataset["old"], "what still counts stays as it is").toBe("false");
    render(Gates, { props: { gates: data.gates }, context: app() });
    const gate = screen.getByTestId("gate-lag").textContent;
    expect(gate, "a pass of the past is stale").toContain("stale, not known now");
    expect(gate, "told as what it was").toContain("was: ");
    expect(screen.getByTestId("gate-read_back").textContent, "another is not").toContain("passes");
  });

  it("takes its check with it, also when no new picture comes", () => {
    const check = { ...cockpit("busy").phases[4]!.checks[0]!, at: Date.now() - 6_000, counts_ms: 3_500 };
    const card = { ...cockpit("busy").phases[4]!, checks: [check] };
    render(Checklist, { props: { card }, context: app() });
    const line = screen.getByTestId(`check-${check.id}`).textContent;
    expect(line, "the verdict was a pass; its facts no longer count").toContain("stale, not known now");
    expect(line, "so it has no tick").not.toContain("✓");
  });
});

describe("figures", () => {
  it("that were not measured are a dash, never zero", () => {
    render(Tiles, { data: cockpit("fresh") });
    for (const id of ["tile-lag", "tile-rows", "tile-reads", "tile-latency", "tile-way-back"]) {
      const text = screen.getByTestId(id).textContent;
      expect(text, `${id} says that nothing was measured`).toContain("not measured");
      expect(text, `${id} shows no number`).toContain("—");
    }
  });

  it("carry unit, limit and age", () => {
    render(Tiles, { data: cockpit("busy") });
    const lag = screen.getByTestId("tile-lag").textContent;
    for (const part of [" s, limit 1 s", "p95 0.342 s", "worst 0.904 s in 30 min", "old"]) {
      expect(lag, `the lag tile says “${part}”`).toContain(part);
    }
  });

  it("of reads name both sides, their ratio, the limit and what could not be read", () => {
    const data = cockpit("busy");
    render(Tiles, { data });
    const text = screen.getByTestId("tile-reads").textContent;
    for (const part of ["2.8 ms", "source 3.1 ms", "0.9 ×", "✓ limit 5.0 ms", "476 reads a minute", "0 failed"]) {
      expect(text, `the tile says “${part}”`).toContain(part);
    }
  });

  it("of reads that are too slow, too few or not readable say so in words", () => {
    const data = cockpit("busy");
    const reads = data.read_latency!;
    const slow = { ...reads, target: { ...reads.target, p99_ms: 41 }, within: false, slowest: "public.orders", skipped: ["our role may not read public.a"] };
    const { unmount } = render(Tiles, { data: { ...data, read_latency: slow } });
    const text = screen.getByTestId("tile-reads").textContent;
    for (const part of ["41.0 ms", "✕ limit", "slowest public.orders", "▲ 1 table not read"]) {
      expect(text, `the tile says “${part}”`).toContain(part);
    }
    unmount();
    render(Tiles, { data: { ...data, read_latency: { ...reads, within: null, samples: 12 } } });
    expect(screen.getByTestId("tile-reads").textContent, "few reads prove nothing").toContain("○ 12 of 200 reads");
  });

  it("in the navigation never call an unread schema clean", () => {
    const now = Date.now();
    expect(badgeOf("schema", cockpit("fresh"), now)?.text, "Unknown is not zero").toMatch(/^○/);
    expect(badgeOf("schema", cockpit("busy"), now)?.text, "what fails and blocks nothing is a warning").toBe("▲ 2");
    const clean = cockpit("busy");
    for (const p of clean.phases) p.checks = p.checks.filter((c) => c.verdict.verdict !== "fail" || c.severity === undefined);
    expect(badgeOf("schema", clean, now)?.text, "known and clean").toBe("✓ 0");
    expect(badgeOf("consistency", cockpit("differs"), now)?.text, "a difference is counted").toBe("✕ 1");
    expect(badgeOf("replication", cockpit("fresh"), now), "no lag, no badge").toBeNull();
    expect(badgeOf("replication", cockpit("silent"), now)?.text, "an old lag is no lag").toMatch(/^◷ 2\d s/);
  });
});
