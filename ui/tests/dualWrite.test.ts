import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { SampleDualWrite } from "../src/lib/backend/sample/dualWrite";
import { scenarioOf } from "../src/lib/backend/sample/scenarios";
import { clock } from "../src/lib/clock.svelte";
import { budgetOf } from "../src/lib/replication/dualWrite.svelte";
import DualWritePanel from "../src/lib/replication/DualWritePanel.svelte";
import Dialogs from "../src/lib/shell/Dialogs.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";
import { FakeBackend } from "./setup";

function panel(backend: SampleBackend | FakeBackend) {
  const context = appContext(new App(backend));
  render(DualWritePanel, { props: { migration: "m" }, context });
  render(Dialogs, { context });
}

const streaming = () => new SampleDualWrite({ ...scenarioOf("busy"), authority: "source" });

beforeEach(() => {
  clock.now = Date.now();
});

describe("synchronous dual write", () => {
  it("is off and cannot be turned on before rows stream, and says why", async () => {
    panel(new SampleBackend("fresh"));
    expect((await screen.findByTestId("dual-state")).textContent).toContain("Off");
    expect(screen.getByTestId<HTMLButtonElement>("dual-on").disabled).toBe(true);
    expect(screen.getByTestId("dual-why").textContent).toContain("Start replication");
  });

  it("shows what it had cost, and how often it fell back", async () => {
    const dual = streaming();
    panel(new FakeBackend({ dual_write: () => dual.view() }));
    expect((await screen.findByTestId("dual-last")).textContent).toContain("waiting for the target for 1.012 s");
    expect(screen.getByTestId("dual-before").textContent).toContain("0.20 ms");
    expect(screen.getByTestId("dual-during").textContent).toContain("0.90 ms");
    expect(screen.getByTestId("dual-after").textContent).toContain("0.42 ms");
    expect(screen.getByTestId("dual-openings").textContent).toContain("target away 1 ×");
  });

  it("says that the server knows no time-out, wants a role, and shows the very statements", async () => {
    const dual = streaming();
    const backend = new FakeBackend({ dual_write: () => dual.view(), dual_write_on: (args) => dual.on(args), dual_write_off: () => dual.off() });
    panel(backend);
    await fireEvent.click(await screen.findByTestId("dual-on"));
    const dialog = await screen.findByTestId("dual-dialog");
    expect(dialog.textContent).toContain("knows no time-out");
    expect(screen.getByTestId("dual-free").textContent).toContain("ALTER SYSTEM RESET synchronous_standby_names");
    const confirm = screen.getByTestId<HTMLButtonElement>("dual-confirm");
    expect(confirm.disabled, "never for everybody by accident").toBe(true);
    await fireEvent.input(screen.getByTestId("dual-role"), { target: { value: 'o"app' } });
    expect(screen.getByTestId("dual-statements").textContent, "quoted as the server wants it").toContain('ROLE "o""app" IN DATABASE');
    await fireEvent.input(screen.getByTestId("dual-budget"), { target: { value: "soon" } });
    expect(confirm.disabled, "a budget is a time").toBe(true);
    await fireEvent.input(screen.getByTestId("dual-budget"), { target: { value: "2,5" } });
    await fireEvent.click(confirm);
    await waitFor(() => expect(backend.asked("dual_write_on")).toHaveLength(1));
    expect(backend.asked("dual_write_on")[0]?.args).toEqual({ migration: "m", scope: { scope: "role", role: 'o"app' }, budget_us: 2_500 });
    await waitFor(() => expect(screen.getByTestId("dual-state").textContent).toContain("On"));
    expect(screen.queryByTestId("dual-dialog"), "it closes when it was heard").toBeNull();
    expect((await screen.findByTestId("dual-not-yet")).textContent).toContain("3 sessions");
    await fireEvent.click(screen.getByTestId("dual-off"));
    await waitFor(() => expect(screen.getByTestId("dual-state").textContent).toContain("Off"));
  });

  it("keeps the dialog open with the reason when it is refused", async () => {
    const dual = streaming();
    const refuse = () => {
      throw { code: "refused", message: "Nobody drives this migration.", remedy: "Open the window." };
    };
    panel(new FakeBackend({ dual_write: () => dual.view(), dual_write_on: refuse }));
    await fireEvent.click(await screen.findByTestId("dual-on"));
    await fireEvent.click(await screen.findByTestId("dual-scope-database"));
    await fireEvent.click(screen.getByTestId("dual-confirm"));
    expect((await screen.findByTestId("dual-on-refused")).textContent).toContain("Nobody drives");
  });

  it("reads budgets as people type them", () => {
    expect([budgetOf("3"), budgetOf("0,8"), budgetOf(" 1.5 ")]).toEqual([3_000, 800, 1_500]);
    expect([budgetOf(""), budgetOf("-1"), budgetOf("3 ms")]).toEqual([null, null, null]);
  });
});
