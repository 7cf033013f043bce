import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import type { Backend } from "../src/lib/backend/backend";
import { CockpitWatch } from "../src/lib/cockpit/watch.svelte";
import CleanupDialog from "../src/lib/command/CleanupDialog.svelte";
import CommandDialog from "../src/lib/command/CommandDialog.svelte";
import RollbackDialog from "../src/lib/rollback/RollbackDialog.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";

const NAME = "orders-eu-to-18";
const calls: { name: string; args: unknown }[] = [];

async function watching(scenario: string): Promise<CockpitWatch> {
  calls.length = 0;
  const sample = new SampleBackend(scenario);
  const backend: Backend = {
    call: (name, args) => {
      calls.push({ name, args });
      return sample.call(name, args);
    },
    listen: (cb) => sample.listen(cb),
    menu: () => sample.menu(),
    exportFindings: (migration) => sample.exportFindings(migration),
    exportTimeline: (migration) => sample.exportTimeline(migration),
  };
  const watch = new CockpitWatch(backend, NAME);
  watch.start();
  await waitFor(() => expect(watch.data, "the first picture arrived").not.toBeNull());
  return watch;
}

const context = (watch: CockpitWatch) => appContext(new App(watch.backend));
const ran = () => calls.filter((c) => c.name === "run");

describe("Cleanup", () => {
  it("lists what it drops and needs the exact name", async () => {
    const watch = await watching("cleanup");
    render(CleanupDialog, { props: { watch, onclose: () => undefined }, context: context(watch) });
    const steps = await screen.findByTestId("preview-steps");
    expect(steps.textContent, "every statement is listed before it runs").toContain('DROP SUBSCRIPTION "switchyard_fwd"');
    const button = screen.getByTestId<HTMLButtonElement>("run-confirm");
    const field = screen.getByTestId("cleanup-name");
    expect(button.disabled, "closed while nothing is typed").toBe(true);
    for (const wrong of ["orders", "Orders-eu-to-18", " orders-eu-to-18", "orders-eu-to-18 ", "orders-eu-to-180"]) {
      await fireEvent.input(field, { target: { value: wrong } });
      expect(button.disabled, `“${wrong}” is not the name`).toBe(true);
      expect(screen.getByTestId("cleanup-why").textContent, "and it says so").toContain("not the migration's name");
    }
    await fireEvent.input(field, { target: { value: NAME } });
    expect(button.disabled, "the exact name opens it").toBe(false);
    await fireEvent.click(button);
    await waitFor(() => expect(ran().length, "one command was asked for").toBe(1));
    expect(ran()[0]?.args, "with the name as it was typed").toMatchObject({ command: { command: "cleanup", typed_name: NAME } });
    watch.stop();
  });

  it("stays closed with the right name while its gate is closed", async () => {
    const watch = await watching("target");
    render(CleanupDialog, { props: { watch, onclose: () => undefined }, context: context(watch) });
    await screen.findByTestId("preview-steps");
    await fireEvent.input(screen.getByTestId("cleanup-name"), { target: { value: NAME } });
    expect(screen.getByTestId<HTMLButtonElement>("run-confirm").disabled, "a name is no override").toBe(true);
    expect(screen.getByTestId("cleanup-why").textContent, "the gate's reason is shown").toContain("Receive-only");
    watch.stop();
  });
});

describe("a command's preview", () => {
  it("shows exact actions and says why it is closed", async () => {
    const watch = await watching("busy");
    render(CommandDialog, { props: { watch, command: { command: "shift_reads", percent: 25 }, onclose: () => undefined }, context: context(watch) });
    const steps = await screen.findByTestId("preview-steps");
    expect(steps.textContent, "the router's command, letter by letter").toContain("set server ro/target weight 25");
    expect(screen.getByTestId<HTMLButtonElement>("run-confirm").disabled, "the soak is not over").toBe(true);
    expect(screen.getByTestId("preview-why").textContent, "and it says which gate").toContain("Soak");
    watch.stop();
  });

  it("runs once, with the reason, and follows it to its end", async () => {
    const watch = await watching("open");
    render(CommandDialog, { props: { watch, command: { command: "shift_reads", percent: 25 }, onclose: () => undefined }, context: context(watch) });
    await screen.findByTestId("preview-steps");
    await fireEvent.input(screen.getByTestId("run-reason"), { target: { value: "CHG-4417" } });
    await fireEvent.click(screen.getByTestId("run-confirm"));
    await waitFor(() => expect(screen.getByTestId("command-outcome").dataset["state"], "the end is shown").toBe("done"), { timeout: 5000 });
    expect(ran().map((c) => c.args), "asked for once").toEqual([
      { migration: NAME, command: { command: "shift_reads", percent: 25 }, reason: "CHG-4417" },
    ]);
    watch.stop();
  });
});

describe("Roll back", () => {
  it("shows steps, point of no return and facts, then runs after a hold and shows the stopwatch", async () => {
    const watch = await watching("target");
    render(RollbackDialog, { props: { watch, onclose: () => undefined }, context: context(watch) });
    const steps = await screen.findByTestId("preview-steps");
    expect(steps.textContent, "the pause is shown as it is sent").toContain("PAUSE app_rw");
    expect(steps.textContent, "the point of no return is set apart").toContain("from here it is finished");
    expect(screen.getByTestId("preview-facts").textContent, "blockers stand beside it").toContain("bypass the pooler");
    await fireEvent.input(screen.getByTestId("rollback-reason"), { target: { value: "checkout is slow" } });
    const hold = screen.getByTestId("rollback-hold");
    await fireEvent.pointerDown(hold, { button: 0 });
    expect(ran().length, "a press alone runs nothing").toBe(0);
    await waitFor(() => expect(ran().length, "a second later it runs").toBe(1), { timeout: 2000 });
    expect(ran()[0]?.args, "with the reason").toEqual({ migration: NAME, command: { command: "roll_back" }, reason: "checkout is slow" });
    const watchTable = await screen.findByTestId("rollback-stopwatch", {}, { timeout: 8000 });
    expect(watchTable.textContent, "each part in ms").toContain("4.2 ms");
    expect(watchTable.textContent, "and the pause as a whole").toContain("24.2 ms");
    watch.stop();
  }, 15_000);
});
