import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiFault } from "../src/lib/backend/backend";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { scenarioOf } from "../src/lib/backend/sample/scenarios";
import { SampleTimeline } from "../src/lib/backend/sample/timeline";
import { App, appContext } from "../src/lib/shell/app.svelte";
import TaskTable from "../src/lib/timeline/TaskTable.svelte";
import NotMeasured from "../src/lib/timeline/NotMeasured.svelte";
import PlanControls from "../src/lib/timeline/PlanControls.svelte";
import { MigrationTimeline } from "../src/lib/timeline/timeline.svelte";
import { FakeBackend } from "./setup";

const SIZE = { width: 800, dark: false };

async function following(scenario: string) {
  const backend = new SampleBackend(scenario);
  const timeline = new MigrationTimeline(backend, "m");
  const stop = timeline.follow(SIZE);
  await waitFor(() => expect(timeline.view ?? timeline.fault, "an answer").not.toBeNull());
  return { backend, timeline, stop };
}

describe("a timeline", () => {
  it("of a pair that was not measured shows nothing made up, and offers to measure", async () => {
    const { timeline, stop } = await following("fresh");
    expect(timeline.view?.placed, "no bars").toBeNull();
    render(NotMeasured, { props: { timeline } });
    await fireEvent.click(screen.getByTestId("measure"));
    expect(screen.getByTestId<HTMLButtonElement>("measure").disabled, "one at a time").toBe(true);
    await waitFor(() => expect(timeline.view?.placed, "then there are bars").not.toBeNull());
    stop();
  });

  it("that cannot be measured says why, and keeps what it had", async () => {
    const { timeline, stop } = await following("failed");
    const before = timeline.view?.measured;
    await timeline.measure();
    expect(timeline.unmeasured?.message).toContain("does not answer");
    expect(timeline.view?.measured, "the last measurement").toEqual(before);
    expect(timeline.measuring).toBe(false);
    stop();
  });

  it("takes a span, and gives the computed one back", async () => {
    const { timeline, stop } = await following("busy");
    const view = timeline.view!;
    render(TaskTable, { props: { timeline, placed: view.placed!, edits: view.edits } });
    const field = screen.getByTestId<HTMLInputElement>("days-performance");
    await fireEvent.change(field, { target: { value: "21.5" } });
    await waitFor(() => expect(timeline.view?.placed?.timeline.tasks.find((t) => t.id === "performance")?.days).toBe(21.5));
    await timeline.setDays("performance", null);
    expect(timeline.view?.edits.days, "nothing is changed any more").toEqual({});
    expect(screen.queryByTestId("done-discovery"), "what the journal says is not typed").toBeNull();
    expect(screen.getByTestId("task-discovery").textContent).toContain("Done");
    stop();
  });

  it("leaves everything as it was when a change is refused, the field included", async () => {
    const { timeline, stop } = await following("busy");
    const view = timeline.view!;
    render(PlanControls, { props: { timeline, view }, context: appContext(new App(timeline.backend)) });
    const field = screen.getByTestId<HTMLInputElement>("timeline-start");
    await fireEvent.change(field, { target: { value: "soon" } });
    await waitFor(() => expect(timeline.refused?.message).toContain("soon"));
    await waitFor(() => expect(field.value, "the day that is in force").toBe(view.start));
    expect(timeline.view?.edits.start).toBeNull();
    stop();
  });

  it("goes into a file that the host asks for, and the notice says where it is or why not", async () => {
    const { backend, timeline, stop } = await following("busy");
    const app = new App(backend);
    render(PlanControls, { props: { timeline, view: timeline.view! }, context: appContext(app) });
    await fireEvent.click(screen.getByTestId("timeline-export"));
    await waitFor(() => expect(app.notices.at(-1)?.body).toContain("m-timeline.html"));
    backend.exportTimeline = () => Promise.resolve(null);
    await fireEvent.click(screen.getByTestId("timeline-export"));
    await waitFor(() => expect(screen.getByTestId<HTMLButtonElement>("timeline-export").disabled).toBe(false));
    expect(app.notices.length, "nothing was written, and nothing is said").toBe(1);
    backend.exportTimeline = () => Promise.reject(new ApiFault({ code: "failed", message: "The disk is full.", remedy: "Free some space." }));
    await fireEvent.click(screen.getByTestId("timeline-export"));
    await waitFor(() => expect(app.notices.at(-1)).toMatchObject({ tone: "bad", body: "The disk is full. Free some space." }));
    stop();
  });

  it("builds each change on the one before, also before the engine has answered", async () => {
    const sample = new SampleTimeline(scenarioOf("busy"));
    const sent: unknown[] = [];
    const backend = new FakeBackend({ timeline: (ask) => sample.view(ask), change_timeline: ({ edits }) => (sent.push(edits), (sample.edits = edits), {}) });
    const timeline = new MigrationTimeline(backend, "m");
    const stop = timeline.follow(SIZE);
    await waitFor(() => expect(timeline.view).not.toBeNull());
    await Promise.all([timeline.setDays("copy", 3), timeline.setDays("cutover", 9), timeline.change({ skip_weekends: true })]);
    expect(sent.at(-1), "all three").toMatchObject({ days: { copy: 3, cutover: 9 }, skip_weekends: true });
    stop();
  });
});

describe("a timeline that is left open", () => {
  beforeEach(() => vi.useFakeTimers({ now: 1_800_000_000_000 }));
  afterEach(() => vi.useRealTimers());

  it("asks seldom, keeps what it has when nobody answers, and is silent once it was left", async () => {
    const sample = new SampleTimeline(scenarioOf("busy"));
    let broken = false;
    const backend = new FakeBackend({
      timeline: (ask) => {
        if (broken) throw new ApiFault({ code: "store", message: "The disk is full.", remedy: "Free some space." });
        return sample.view(ask);
      },
    });
    const timeline = new MigrationTimeline(backend, "m");
    const stop = timeline.follow(SIZE);
    await vi.advanceTimersByTimeAsync(100);
    const seen = timeline.view;
    broken = true;
    await vi.advanceTimersByTimeAsync(60_000);
    flushSync();
    expect(backend.asked("timeline").length, "every half minute").toBeLessThanOrEqual(3);
    expect(timeline.fault?.remedy).toBe("Free some space.");
    expect(timeline.view, "what was read before").toBe(seen);
    stop();
    const before = backend.asked("timeline").length;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(backend.asked("timeline").length).toBe(before);
  });
});
