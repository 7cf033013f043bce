import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import type { EndpointRow } from "../src/lib/api/generated/EndpointRow";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { SampleRehearse } from "../src/lib/backend/sample/rehearse";
import { clock } from "../src/lib/clock.svelte";
import QueriesPage from "../src/lib/queries/QueriesPage.svelte";
import { section } from "../src/lib/queries/section.svelte";
import RehearseSection from "../src/lib/rehearse/RehearseSection.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";
import { FakeBackend } from "./setup";

function endpoint(name: string, used_by: string[] = []): EndpointRow {
  return { endpoint: { name, host: "h", port: 5432, database: "scratch", user: "me", tls: "prefer", ca_file: null, peer_address: null }, password: "keyring", used_by };
}

function answers(sample: SampleRehearse) {
  return new FakeBackend({
    endpoint_list: () => ({ endpoints: [endpoint("orders-eu", ["m"]), endpoint("copy15"), endpoint("copy18")] }),
    captures: () => sample.view(),
    capture_start: (args) => sample.start(args),
    capture_stop: ({ file }) => sample.stop(file),
    capture_add: ({ file }) => sample.add(file),
    capture_forget: ({ file }) => sample.forget(file),
    replay_start: (args) => sample.replayStart(args),
    replay_job: () => sample.replay(),
    replay_stop: () => sample.replayStop(),
    load_start: (args) => sample.loadStart(args),
    load_job: () => sample.load(),
    load_stop: () => sample.loadStop(),
  });
}

function open(backend: FakeBackend) {
  return render(RehearseSection, { props: { migration: "m" }, context: appContext(new App(backend)) });
}

async function choose(id: string, value: string) {
  await fireEvent.change(await screen.findByTestId(id), { target: { value } });
}

beforeEach(() => {
  clock.now = Date.now();
  section.shown = "live";
});

describe("captures", () => {
  it("say where there are none, and what a server has to log", async () => {
    open(answers(new SampleRehearse(false)));
    expect((await screen.findByTestId("captures-none")).textContent).toContain("never set for you");
    expect((await screen.findByTestId("replay-none")).textContent).toContain("Nothing was replayed");
    expect((await screen.findByTestId("load-none")).textContent).toContain("No load");
    expect(screen.getByTestId("replay-start"), "there is nothing to play").toHaveProperty("disabled", true);
  });

  it("are listed with how their files stand; what broke off is kept, what is gone is forgotten", async () => {
    const backend = answers(new SampleRehearse());
    open(backend);
    const rows = await screen.findAllByTestId("capture");
    expect(rows.map((r) => r.dataset["stands"])).toEqual(["whole", "whole", "broken_off", "gone"]);
    expect(rows[1]?.textContent, "what a replay leaves out, with its reason").toMatch(/16.*/s);
    expect(rows[1]?.textContent).toContain("COPY");
    expect(rows[2]?.textContent).toContain("What was taken until then is there.");
    await fireEvent.click(screen.getByTestId("capture-keep"));
    await waitFor(() => expect(backend.asked("capture_stop")[0]?.args).toMatchObject({ file: expect.stringContaining("night.capture") as string }));
    await fireEvent.click(screen.getAllByTestId("capture-forget").at(-1) as HTMLElement);
    await waitFor(() => expect(screen.getAllByTestId("capture")).toHaveLength(3));
  });

  it("are taken of the migration's source and stopped", async () => {
    const backend = answers(new SampleRehearse());
    open(backend);
    await fireEvent.click(await screen.findByTestId("capture-take"));
    expect((await screen.findByTestId("capture-taking")).textContent).toContain("Capturing orders-eu");
    expect(backend.asked("capture_start")[0]?.args).toEqual({ migration: "m", file: null, seconds: 600, answers: false });
    expect(screen.queryByTestId("capture-take"), "one at a time").toBeNull();
    await fireEvent.click(screen.getByTestId("capture-stop"));
    expect((await screen.findByTestId("capture-made", {}, { timeout: 6000 })).textContent).toContain("taken");
  });

  it("say that they cannot be looked at, and keep what was seen", async () => {
    const sample = new SampleRehearse();
    let fails = false;
    const backend = answers(sample);
    backend.answers.captures = () => {
      if (fails) throw { code: "store", message: "The store could not be read.", remedy: "Look at the disk." };
      return sample.view();
    };
    open(backend);
    await screen.findAllByTestId("capture");
    fails = true;
    // The window comes to the front: it looks at once.
    document.dispatchEvent(new Event("visibilitychange"));
    expect((await screen.findByTestId("captures-unseen")).textContent).toContain("Look at the disk");
    expect(screen.getAllByTestId("capture"), "what was seen stays").toHaveLength(4);
  });

  it("that another process takes can be ended from here", async () => {
    const sample = new SampleRehearse();
    sample.captures = sample.captures.map((c, at) => (at === 0 ? { ...c, stands: "being_taken", statements: null } : c));
    const backend = answers(sample);
    open(backend);
    await fireEvent.click(await screen.findByTestId("capture-end"));
    await waitFor(() => expect(backend.asked("capture_stop")).toHaveLength(1));
  });

  it("say why they cannot be added", async () => {
    open(answers(new SampleRehearse()));
    await fireEvent.input(await screen.findByTestId("capture-path"), { target: { value: "here.capture" } });
    await fireEvent.click(screen.getByTestId("capture-add"));
    expect((await screen.findByTestId("capture-fault")).textContent).toContain("no full path");
  });
});

describe("a replay", () => {
  it("plays on two copies one by one, shows how far it is, and both sides of what differs", async () => {
    const backend = answers(new SampleRehearse());
    open(backend);
    await screen.findAllByTestId("capture");
    const file = (screen.getByTestId("replay-file").querySelectorAll("option")[1] as HTMLOptionElement).value;
    await choose("replay-file", file);
    await choose("replay-at", "copy15");
    expect((screen.getByTestId("replay-speed") as HTMLSelectElement).value, "one copy keeps the capture's clock").toBe("1");
    await choose("replay-against", "copy18");
    await waitFor(() => expect((screen.getByTestId("replay-speed") as HTMLSelectElement).value).toBe("one_by_one"));
    await fireEvent.click(screen.getByTestId("replay-start"));
    expect((await screen.findByTestId("replay-progress")).textContent).toMatch(/of 48.211 statements/);
    expect(backend.asked("replay_start")[0]?.args).toEqual({ migration: "m", file, at: "copy15", against: "copy18", speed: "one_by_one", first_look: true });
    await fireEvent.click(screen.getByTestId("replay-stop"));
    const outcome = await screen.findByTestId("replay-outcome", {}, { timeout: 6000 });
    expect(outcome.textContent, "mark, word and sentence").toMatch(/✕.*Different.*In 2 statements/s);
    const [rows] = screen.getAllByTestId("replay-finding");
    expect(rows?.textContent).toMatch(/A: copy15.*anders.*B: copy18.*Zoe/s);
    expect(screen.getByTestId("replay-shapes").textContent).toContain("0.61 / 1.80 / 4.20");
    expect(screen.getByTestId("replay-tables").textContent).toContain("equal");
  });

  it("says why it is refused, with what to do", async () => {
    open(answers(new SampleRehearse()));
    await screen.findAllByTestId("capture");
    const options = screen.getByTestId("replay-at").textContent;
    await waitFor(() => expect(screen.getByTestId("replay-at").textContent, options ?? "").toContain("orders-eu (a side of m)"));
    await choose("replay-file", (screen.getByTestId("replay-file").querySelectorAll("option")[1] as HTMLOptionElement).value);
    await choose("replay-at", "orders-eu");
    await fireEvent.click(screen.getByTestId("replay-start"));
    const fault = await screen.findByTestId("replay-fault");
    expect(fault.textContent).toMatch(/has the writes of.*Take a copy/s);
  });
});

describe("load", () => {
  it("is run from a script, shown each second, and told with the knee and the errors", async () => {
    const backend = answers(new SampleRehearse());
    open(backend);
    await choose("load-of", "script");
    await fireEvent.input(await screen.findByTestId("load-script"), { target: { value: "SELECT 1;" } });
    await screen.findAllByTestId("capture");
    await choose("load-at", "copy18");
    await choose("load-how", "ramp");
    await fireEvent.input(screen.getByTestId("load-p99"), { target: { value: "50" } });
    await fireEvent.click(screen.getByTestId("load-start"));
    const now = await screen.findByTestId("load-now", {}, { timeout: 6000 });
    expect(now.textContent).toMatch(/399.*of 400.*19\.8 ms.*0\.5 %/s);
    expect(screen.getByTestId("load-chart").getAttribute("src")).toContain("data:image/svg+xml");
    expect(backend.asked("load_start")[0]?.args).toEqual({
      migration: "m",
      at: "copy18",
      of: { of: "script", text: "SELECT 1;" },
      how: { how: "ramp", from: 50, to: 1000, steps: 8 },
      seconds: 30,
      sessions: null,
      max_p99_ms: 50,
      max_failed: 1,
    });
    await fireEvent.click(screen.getByTestId("load-stop"));
    expect((await screen.findByTestId("load-outcome", {}, { timeout: 6000 })).textContent).toMatch(/Not all was served.*Served up to 400/s);
    expect(screen.getByTestId("load-rates").textContent).toContain("last served");
    expect(screen.getByTestId("load-error").textContent).toContain("23505");
  });

  it("says what is wrong with a script", async () => {
    open(answers(new SampleRehearse()));
    await screen.findAllByTestId("capture");
    await choose("load-of", "script");
    await fireEvent.input(await screen.findByTestId("load-script"), { target: { value: "SELECT 1" } });
    await choose("load-at", "copy18");
    await fireEvent.input(screen.getByTestId("load-rate"), { target: { value: "5" } });
    await fireEvent.click(screen.getByTestId("load-start"));
    expect((await screen.findByTestId("load-refused")).textContent).toContain("does not end");
  });
});

describe("the halves of the Queries page", () => {
  it("are chosen by mouse and by arrows, and stay chosen", async () => {
    const page = () => render(QueriesPage, { props: { migration: "m" }, context: appContext(new App(new SampleBackend("busy"))) });
    const { unmount } = page();
    const live = screen.getByTestId("tab-live");
    expect(live.getAttribute("aria-selected")).toBe("true");
    await fireEvent.keyDown(live, { key: "ArrowRight" });
    const rehearse = screen.getByTestId("tab-rehearse");
    expect(document.activeElement, "the focus goes with it").toBe(rehearse);
    expect(await screen.findByTestId("captures")).toBeTruthy();
    expect(screen.queryByTestId("sources"), "what is live is not asked for meanwhile").toBeNull();
    unmount();
    page();
    expect(screen.getByTestId("tab-rehearse").getAttribute("aria-selected"), "after another page").toBe("true");
  });
});
