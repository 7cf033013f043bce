import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import { SampleShadow } from "../src/lib/backend/sample/shadow";
import { clock } from "../src/lib/clock.svelte";
import { ShadowReads } from "../src/lib/queries/shadow.svelte";
import ShadowPanel from "../src/lib/queries/ShadowPanel.svelte";
import { FakeBackend } from "./setup";

beforeEach(() => {
  clock.now = Date.now();
});

describe("shadow reads", () => {
  it("are run, shown with both results, and stopped", async () => {
    const sample = new SampleShadow();
    const backend = new FakeBackend({ shadow: () => sample.view(), shadow_start: () => sample.start(), shadow_stop: () => sample.stop() });
    render(ShadowPanel, { props: { shadow: new ShadowReads(backend, "m") } });
    expect((await screen.findByTestId("shadow-none")).textContent, "it says what is never run").toContain("writes never are");
    await fireEvent.click(screen.getByTestId("shadow-run"));
    const [collation, order] = await screen.findAllByTestId("shadow-finding");
    expect(backend.asked("shadow_start")[0]?.args).toEqual({ migration: "m", traffic: "server", seconds: null, share: 100, rate: 50 });
    expect(collation?.textContent, "both results stand beside one another").toMatch(/Collation.*anders.*Zoe/s);
    expect(order?.querySelector(".tone-bad"), "what is left open is no finding").toBeNull();
    expect(screen.getByTestId("shadow-counts").textContent).toContain("1 statement differs");
    expect(screen.getByTestId("shadow-never").textContent).toContain("select * from open_orders");
    await fireEvent.click(screen.getByTestId("shadow-stop"));
    await waitFor(() => expect(backend.asked("shadow_stop")).toHaveLength(1));
  });

  it("are those of a capture where one is given", async () => {
    const sample = new SampleShadow();
    const backend = new FakeBackend({ shadow: () => sample.view(), shadow_start: () => sample.start() });
    render(ShadowPanel, { props: { shadow: new ShadowReads(backend, "m") } });
    await fireEvent.input(await screen.findByTestId("shadow-capture"), { target: { value: " /srv/monday.capture " } });
    await fireEvent.click(screen.getByTestId("shadow-run"));
    await waitFor(() => expect(backend.asked("shadow_start")).toHaveLength(1));
    expect(backend.asked("shadow_start")[0]?.args).toEqual({ migration: "m", traffic: "capture", file: "/srv/monday.capture", seconds: null, share: 100, rate: 50 });
  });

  it("say why they cannot be run", async () => {
    const backend = new FakeBackend({
      shadow: () => new SampleShadow().view(),
      shadow_start: () => {
        throw { code: "refused", message: "The target has the writes.", remedy: "None.", fields: [] };
      },
    });
    render(ShadowPanel, { props: { shadow: new ShadowReads(backend, "m") } });
    await fireEvent.click(await screen.findByTestId("shadow-run"));
    expect((await screen.findByTestId("shadow-fault")).textContent).toContain("The target has the writes.");
  });
});
