import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { Limits } from "../src/lib/api/generated/Limits";
import { CockpitWatch } from "../src/lib/cockpit/watch.svelte";
import LimitsPick from "../src/lib/migrations/LimitsPick.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";
import LimitsDialog from "../src/lib/traffic/LimitsDialog.svelte";
import { cockpit, FakeBackend } from "./setup";

function dialog() {
  const backend = new FakeBackend({ set_limits: () => ({}) });
  const watch = new CockpitWatch(backend, "m");
  watch.data = cockpit("busy");
  render(LimitsDialog, { watch, onclose: () => undefined });
  const sent = () => (backend.asked("set_limits")[0]?.args as { limits: Limits } | undefined)?.limits;
  return { backend, sent };
}

async function save(backend: FakeBackend) {
  await fireEvent.click(screen.getByTestId("limits-confirm"));
  await waitFor(() => expect(backend.asked("set_limits").length, "sent once").toBe(1));
}

describe("limits of errors", () => {
  it("has one for writes and one for what fails always", async () => {
    const { backend, sent } = dialog();
    await fireEvent.input(screen.getByTestId("limit-errors_writes_per_million"), { target: { value: "20" } });
    await fireEvent.input(screen.getByTestId("limit-errors_always_from"), { target: { value: "5" } });
    await save(backend);
    expect([sent()?.errors_writes_per_million, sent()?.errors_always_from], "beside the one for reads").toEqual([20, 5]);
  });
});

describe("the ladder in the limits dialog", () => {
  it("takes a rung more between two others", async () => {
    const { backend, sent } = dialog();
    await fireEvent.click(screen.getByTestId("rung-add-4"));
    await save(backend);
    expect(sent()?.ladder.map((r) => r.percent), "half way between 25 and 50").toEqual([1, 5, 10, 25, 38, 50, 100]);
  });

  it("lets a rung go, but never the last one, after which writes move", async () => {
    const { backend, sent } = dialog();
    expect(screen.queryByTestId("rung-remove-5"), "100 % stays").toBeNull();
    await fireEvent.click(screen.getByTestId("rung-remove-0"));
    await fireEvent.click(screen.getByTestId("rung-remove-0"));
    await save(backend);
    expect(sent()?.ladder.map((r) => r.percent), "1 and 5 are gone").toEqual([10, 25, 50, 100]);
  });

  it("takes times as people write them, and says when it cannot", async () => {
    const { backend, sent } = dialog();
    const soak = screen.getByTestId<HTMLInputElement>("rung-soak-1");
    expect(soak.value, "shown with its unit").toBe("2 h");
    await fireEvent.input(soak, { target: { value: "soon" } });
    expect(soak.getAttribute("aria-invalid"), "what is no time is marked").toBe("true");
    await fireEvent.input(soak, { target: { value: "90 min" } });
    expect(soak.getAttribute("aria-invalid"), "and a time is not").toBe("false");
    await fireEvent.input(screen.getByTestId("limit-receive_only_s"), { target: { value: "3 d" } });
    await save(backend);
    expect(sent()?.ladder[1], "in the engine's seconds").toEqual({ percent: 5, soak_s: 5400 });
    expect(sent()?.receive_only_s, "days, too").toBe(259_200);
  });
});

it("the templates stand with their figures, from the engine", async () => {
  const limits = cockpit("busy").limits;
  const backend = new FakeBackend({ limits_templates: () => ({ templates: [limits, { ...limits, template: "cautious", lag_limit_ms: 500 }] }) });
  render(LimitsPick, { props: { value: "normal" }, context: appContext(new App(backend)) });
  const normal = screen.getByTestId("limits-normal").closest("label");
  await waitFor(() => expect(normal?.textContent, "what “normal” means").toContain("1 s for 30 min"));
  expect(screen.getByTestId("limits-cautious").closest("label")?.textContent, "and what differs").toContain("500 ms for 30 min");
});
