import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import { sampleSources } from "../src/lib/backend/sample/sources";
import { clock } from "../src/lib/clock.svelte";
import { Sources } from "../src/lib/queries/sources.svelte";
import SourcesPanel from "../src/lib/queries/SourcesPanel.svelte";
import { FakeBackend } from "./setup";

beforeEach(() => {
  clock.now = Date.now();
});

describe("sources of facts", () => {
  it("say what each gives, why one gives nothing, and what none can see", async () => {
    const backend = new FakeBackend({ queries_sources: ({ seconds }) => sampleSources(true, seconds) });
    render(SourcesPanel, { props: { sources: new Sources(backend, "m") } });
    const rows = await screen.findAllByTestId("source");
    expect(rows).toHaveLength(11);
    expect(rows[0]?.textContent, "figures with their units").toMatch(/pg_stat_statements.*orders-eu, source.*usable.*calls 1.204 \/s · run time, mean 0.41 ms.*No percentiles/s);
    expect(rows[5]?.textContent, "a reason with what mends it").toMatch(/not usable.*permission denied.*Grant pg_monitor/s);
    expect(rows[8]?.textContent, "parts stand apart").toMatch(/orders_rw\s*queries 1.190 \/s/);
    await fireEvent.click(screen.getByTestId("sources-read"));
    await waitFor(() => expect(backend.asked("queries_sources")).toHaveLength(2));
  });

  it("say why they could not be read", async () => {
    const backend = new FakeBackend({
      queries_sources: () => {
        throw { code: "not_found", message: "There is no migration “m”.", remedy: "Name one.", fields: [] };
      },
    });
    render(SourcesPanel, { props: { sources: new Sources(backend, "m") } });
    expect((await screen.findByTestId("sources-fault")).textContent).toContain("There is no migration");
  });
});
