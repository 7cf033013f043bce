import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { SampleDrills } from "../src/lib/backend/sample/drills";
import { scenarioOf } from "../src/lib/backend/sample/scenarios";
import { clock } from "../src/lib/clock.svelte";
import DrillsPage from "../src/lib/drills/DrillsPage.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";
import { FakeBackend } from "./setup";

function page(backend: SampleBackend | FakeBackend) {
  return render(DrillsPage, { props: { migration: "m" }, context: appContext(new App(backend)) });
}

/** Everything on the source, validated: the moment for a drill of reads. */
function atTheSource() {
  return new SampleDrills({ ...scenarioOf("busy"), reads: 0 });
}

beforeEach(() => {
  clock.now = Date.now();
});

describe("the Drills page", () => {
  it("calls a way back that nobody tried a hope", async () => {
    page(new SampleBackend("fresh"));
    expect((await screen.findByTestId("drill-result")).textContent).toContain("The way back is a hope");
    expect(screen.getByTestId("drill-last-target-down").textContent).toContain("never tested");
    expect(screen.getByTestId<HTMLButtonElement>("drill-run").disabled, "nothing can be rehearsed yet").toBe(true);
    expect(screen.queryByTestId("drill-history"), "no picture of nothing").toBeNull();
  });

  it("shows what the last drill measured, part by part, and what it lost", async () => {
    page(new SampleBackend("busy"));
    const result = await screen.findByTestId("drill-result");
    expect(result.textContent).toContain("Passed");
    expect(screen.getByTestId("drill-parts").textContent).toContain("Last request on the target");
    expect(result.textContent).toContain("of 231 acknowledged");
    expect(screen.getByTestId("drill-history").textContent).toContain("6");
  });

  it("says why the chosen drill cannot begin, and asks for it where it can", async () => {
    const drills = atTheSource();
    const backend = new FakeBackend({ drills: () => drills.view(), drill_start: (args) => drills.start(args) });
    page(backend);
    const run = await screen.findByTestId<HTMLButtonElement>("drill-run");
    await waitFor(() => expect(run.disabled).toBe(false));
    await fireEvent.click(screen.getByTestId("drill-act-writes"));
    expect(run.disabled, "writes move after 100 % of reads").toBe(true);
    expect(screen.getByTestId("drill-why").textContent).toContain("writes move after 100 %");
    await fireEvent.click(screen.getByTestId("drill-act-reads"));
    await fireEvent.click(screen.getByTestId("drill-failure-operator-killed"));
    expect(screen.getByTestId("drill-why").textContent, "with the command to run").toContain("switchyardctl drill run m");
    await fireEvent.click(screen.getByTestId("drill-failure-slow-target"));
    await fireEvent.input(screen.getByTestId("drill-role"), { target: { value: "" } });
    expect(screen.getByTestId("drill-why").textContent).toContain("not named yet");
    await fireEvent.input(screen.getByTestId("drill-role"), { target: { value: "app" } });
    await fireEvent.input(screen.getByTestId("drill-password"), { target: { value: "sesame" } });
    await fireEvent.input(screen.getByTestId("drill-goal"), { target: { value: "2,5" } });
    await fireEvent.click(run);
    await waitFor(() => expect(backend.asked("drill_start")).toHaveLength(1));
    expect(backend.asked("drill_start")[0]?.args).toEqual({
      migration: "m",
      failure: "slow_target",
      act: { act: "reads", percent: 10 },
      canary: "app",
      password: "sesame",
      goal_ms: 2_500,
    });
    await waitFor(() => expect(screen.getByTestId("drill-open").textContent).toContain("Slow target"));
    expect(screen.getByTestId<HTMLInputElement>("drill-password").value, "a password is not kept on the page").toBe("");
    expect(run.disabled, "one at a time").toBe(true);
  });

  it("keeps what it showed when it cannot ask, and says why a request was refused", async () => {
    const drills = atTheSource();
    let broken = false;
    const backend = new FakeBackend({
      drills: () => {
        if (broken) throw { code: "failed", message: "The store does not answer.", remedy: "Look at its disk." };
        return drills.view();
      },
      drill_start: () => {
        broken = true;
        throw { code: "refused", message: "A drill is under way already.", remedy: "Wait for its end." };
      },
    });
    page(backend);
    const run = await screen.findByTestId<HTMLButtonElement>("drill-run");
    await waitFor(() => expect(run.disabled).toBe(false));
    await fireEvent.click(run);
    expect((await screen.findByTestId("drill-refused")).textContent).toContain("under way already");
    expect((await screen.findByTestId("drills-fault")).textContent).toContain("The store does not answer");
    expect(screen.getByTestId("drill-result").textContent, "what was seen stays").toContain("Passed");
  });

  it("plans drills and takes the plan back", async () => {
    const drills = atTheSource();
    const backend = new FakeBackend({ drills: () => drills.view(), drill_schedule: (args) => drills.schedule(args) });
    page(backend);
    await fireEvent.click(await screen.findByTestId("drill-plan-on"));
    await waitFor(() => expect(screen.getByTestId("drill-plan").textContent).toContain("every 7 d"));
    await fireEvent.click(screen.getByTestId("drill-plan-off"));
    await waitFor(() => expect(backend.asked("drill_schedule").at(-1)?.args).toMatchObject({ every_s: null }));
  });
});
