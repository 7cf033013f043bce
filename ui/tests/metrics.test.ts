import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import { SampleMetrics } from "../src/lib/backend/sample/metrics";
import { clock } from "../src/lib/clock.svelte";
import { Metrics } from "../src/lib/queries/metrics.svelte";
import Dialogs from "../src/lib/shell/Dialogs.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";
import MetricsPanel from "../src/lib/queries/MetricsPanel.svelte";
import { FakeBackend } from "./setup";

function answers(metrics: SampleMetrics) {
  return new FakeBackend({
    metrics: () => metrics.view(),
    metric_try: (form) => metrics.tried(form),
    metric_set: (form) => metrics.set(form),
    metric_remove: ({ name }) => {
      metrics.remove(name);
      return {};
    },
  });
}

function panel(metrics: SampleMetrics) {
  const backend = answers(metrics);
  const context = appContext(new App(backend));
  render(MetricsPanel, { props: { metrics: new Metrics(backend, "m") }, context });
  render(Dialogs, { context });
  return backend;
}

function fill(testid: string, value: string) {
  return fireEvent.input(screen.getByTestId(testid), { target: { value } });
}

beforeEach(() => {
  clock.now = Date.now();
});

describe("the application's own metrics", () => {
  it("shows value, limit, verdict and age, and why one is not known", async () => {
    panel(new SampleMetrics(true));
    const good = await screen.findByTestId("metric-of-checkout p95");
    expect(good.textContent).toMatch(/within its limit.*182 ms, limit 250 ms, held 12 min.*sample 5 s old then/s);
    const unknown = screen.getByTestId("metric-of-errors");
    expect(unknown.textContent, "with what to do").toMatch(/not known.*NaN.*once there is traffic/s);
  });

  it("says that nothing waits where none is set up", async () => {
    panel(new SampleMetrics(false));
    expect((await screen.findByTestId("metrics-none")).textContent).toContain("does not wait");
  });

  it("tries a query before it is saved, and says what is wrong in a sentence", async () => {
    const backend = panel(new SampleMetrics(false));
    await fireEvent.click(await screen.findByTestId("metrics-add"));
    expect(screen.getByTestId("metric-save"), "not complete yet").toHaveProperty("disabled", true);
    await fill("metric-name", "p95");
    await fill("metric-url", "prometheus:9090");
    await fill("metric-query", "up");
    await fill("metric-limit", "250");
    await fireEvent.click(screen.getByTestId("metric-try"));
    expect((await screen.findByTestId("metric-fault")).textContent).toContain("begins with https://");
    await fill("metric-url", "https://prometheus:9090");
    await fireEvent.click(screen.getByTestId("metric-try"));
    expect((await screen.findByTestId("metric-tried")).textContent).toMatch(/beyond its limit.*312/s);
    expect(backend.asked("metric_set"), "nothing was kept").toHaveLength(0);

    await fireEvent.click(screen.getByTestId("metric-login-token"));
    expect(screen.getByTestId("metric-save"), "the token is missing").toHaveProperty("disabled", true);
    await fill("metric-secret", "t0ken");
    await fireEvent.click(screen.getByTestId("metric-save"));
    await waitFor(() => expect(screen.queryByTestId("metric-dialog"), "it closes once it is saved").toBeNull());
    expect(backend.asked("metric_set")[0]?.args).toMatchObject({ name: "p95", limit: 250, bound: "above", for_s: 60, user: null, secret: "t0ken" });
    expect((await screen.findByTestId("metric-of-p95")).textContent).toContain("not read yet");
  });

  it("asks twice before it removes one", async () => {
    const backend = panel(new SampleMetrics(true));
    const button = await screen.findByTestId("metric-remove-errors");
    await fireEvent.click(button);
    expect(backend.asked("metric_remove"), "what it keeps shut may open").toHaveLength(0);
    await fireEvent.click(button);
    await waitFor(() => expect(screen.queryByTestId("metric-of-errors")).toBeNull());
  });
});
