import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { SamplePools } from "../src/lib/backend/sample/pools";
import { scenarioOf } from "../src/lib/backend/sample/scenarios";
import { LivePools } from "../src/lib/pools/pools.svelte";
import PoolsPage from "../src/lib/pools/PoolsPage.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";
import { FakeBackend } from "./setup";

function page(scenario: string) {
  const backend = new SampleBackend(scenario);
  return render(PoolsPage, { props: { migration: "m" }, context: appContext(new App(backend)) });
}

describe("the Pools page", () => {
  it("shows every pool, and no warning where all is well", async () => {
    page("busy");
    expect((await screen.findByTestId("pool-app_rw")).textContent).toContain("transaction");
    expect(screen.getByTestId("pools-live").dataset["warnings"]).toBe("0");
    expect(screen.getByTestId("pools-live").textContent, "said, not left out").toContain("No client waits");
  });

  it("warns in words of clients that wait and of limits that are near", async () => {
    page("differs");
    await screen.findByTestId("pool-app_rw");
    const said = screen.getAllByTestId("pools-warning").map((w) => w.textContent);
    expect(said.join(" ")).toContain("more than 80 %");
    expect(said.join(" ")).toContain("3 clients of app_rw");
    const need = (await screen.findAllByTestId("need-warning")).map((w) => w.textContent);
    expect(need.join(" "), "with the phases that it is about").toContain("Before the first step");
  });

  it("halves the pool that somebody gives, and the ini with it", async () => {
    page("busy");
    const field = await screen.findByTestId<HTMLInputElement>("pools-pool");
    await fireEvent.change(field, { target: { value: "30" } });
    await waitFor(() => expect(screen.getByTestId("pools-need").dataset["half"]).toBe("15"));
    expect(screen.getByTestId("ini").textContent).toContain("default_pool_size = 15");
  });

  it("shows what answers when another part does not", async () => {
    page("failed");
    expect((await screen.findByTestId("router-fault")).textContent).toContain("nothing listens");
    expect(screen.getByTestId("pool-app_rw"), "the other pooler's").toBeTruthy();
    expect(screen.getByTestId("pools-live").textContent, "and does not call all well").toContain("Not everything answers");
    expect((await screen.findByTestId("pools-fault")).textContent).toContain("orders-eu does not answer");
  });

  it("says that nothing is there yet before the first client", async () => {
    page("fresh");
    expect((await screen.findByTestId("router-pools")).textContent).toContain("No client has connected yet");
    expect(screen.getByTestId("connections-source").textContent).toContain("not asked yet");
  });
});

describe("live pools", () => {
  beforeEach(() => vi.useFakeTimers({ now: 1_800_000_000_000 }));
  afterEach(() => vi.useRealTimers());

  it("are asked every two seconds while somebody looks, and not at all otherwise", async () => {
    const sample = new SamplePools(scenarioOf("busy"));
    const backend = new FakeBackend({ pools_now: () => sample.now() });
    const live = new LivePools(backend, "m");
    const asked = () => backend.asked("pools_now").length;
    const stop = live.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked()).toBeGreaterThanOrEqual(5);
    expect(asked()).toBeLessThanOrEqual(6);
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    await vi.advanceTimersByTimeAsync(2_500);
    const before = asked();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked(), "a minimised window asks for nothing").toBe(before);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(100);
    flushSync();
    expect(asked(), "seen again, it looks at once").toBe(before + 1);
    stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked(), "a page that was left is silent").toBe(before + 1);
    hidden.mockRestore();
  });
});
