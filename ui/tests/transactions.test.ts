import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, it } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import SoakLine from "../src/lib/cockpit/SoakLine.svelte";
import { CockpitWatch } from "../src/lib/cockpit/watch.svelte";
import CommandDialog from "../src/lib/command/CommandDialog.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";
import LimitsDialog from "../src/lib/traffic/LimitsDialog.svelte";
import type { Limits } from "../src/lib/api/generated/Limits";
import { cockpit, FakeBackend } from "./setup";

const NAME = "orders-eu-to-18";

it("transactions in the way stand beside the switch, and one is ended only with a name and a reason", async () => {
  const backend = new SampleBackend("blocked");
  const watch = new CockpitWatch(backend, NAME);
  watch.start();
  await waitFor(() => expect(watch.data, "the first picture arrived").not.toBeNull());
  render(CommandDialog, { props: { watch, command: { command: "switch_writes" }, onclose: () => undefined }, context: appContext(new App(backend)) });
  const list = await screen.findByTestId("transactions");
  expect(list.textContent, "who, for how long, and what it does").toContain("12:34");
  expect(list.textContent).toContain("month end");
  expect(list.textContent, "a queue is told as one").toContain("waits for its lock");
  expect(screen.queryByTestId("end-0"), "a prepared one belongs to whoever prepared it").toBeNull();
  expect(screen.getByTestId("preview-why").textContent, "and the switch is closed").toContain("Long transactions");

  await fireEvent.click(screen.getByTestId("end-4711"));
  const button = screen.getByTestId<HTMLButtonElement>("end-confirm");
  expect(button.disabled, "nobody has answered for it yet").toBe(true);
  await fireEvent.input(screen.getByTestId("end-name"), { target: { value: "Ann" } });
  expect(button.disabled, "a name alone is no reason").toBe(true);
  await fireEvent.input(screen.getByTestId("end-reason"), { target: { value: "the window closes at 04:00" } });
  await fireEvent.click(button);
  await waitFor(() => expect(backend.world.journal.lines.some((l) => l.recorded.entry === "transaction_end_asked"), "it is in the journal").toBe(true));
  watch.stop();
});

it("a broken soak is said loudly, with what the ladder does", () => {
  const broken = { at: Date.now() - 95_000, title: "Errors", why: "2 of 300 failed" };
  const { unmount } = render(SoakLine, { soak: { since: 0, anew: false, step_back: 10, broken }, percent: 25 });
  expect(screen.getByTestId("soak-broken").textContent).toMatch(/Errors.*2 of 300 failed.*steps back to 10 % by itself/s);
  unmount();
  render(SoakLine, { soak: { since: 0, anew: false, step_back: null, broken }, percent: 25 });
  expect(screen.getByTestId("soak-broken").textContent, "it stays where it is").toContain("The ladder holds");
});

it("stepping back is off until somebody asks for it", async () => {
  const backend = new FakeBackend({ set_limits: () => ({}) });
  const watch = new CockpitWatch(backend, "m");
  watch.data = cockpit("busy");
  render(LimitsDialog, { watch, onclose: () => undefined });
  const box = screen.getByTestId<HTMLInputElement>("limit-step_back");
  expect(box.checked).toBe(false);
  await fireEvent.click(box);
  await fireEvent.click(screen.getByTestId("limits-confirm"));
  await waitFor(() => expect(backend.asked("set_limits").length).toBe(1));
  const sent = backend.asked("set_limits")[0]?.args as { limits: Limits };
  expect(sent.limits.step_back, "and then it is on").toBe(true);
});
