import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import type { FigureUnit } from "../src/lib/api/generated/FigureUnit";
import { sampleDigest } from "../src/lib/backend/sample/digest";
import { sampleSources } from "../src/lib/backend/sample/sources";
import { clock } from "../src/lib/clock.svelte";
import { ImportedDigest } from "../src/lib/queries/digest.svelte";
import DigestPanel from "../src/lib/queries/DigestPanel.svelte";
import { Sources } from "../src/lib/queries/sources.svelte";
import SourcesPanel from "../src/lib/queries/SourcesPanel.svelte";
import { figureTexts } from "../src/lib/queries/words";
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

describe("a digest of another tool", () => {
  it("is read from a file and stands beside what the servers know", async () => {
    const backend = new FakeBackend({ queries_import: ({ file }) => sampleDigest(file) });
    render(DigestPanel, { props: { digest: new ImportedDigest(backend, "m") } });
    expect(screen.getByTestId("digest-read").hasAttribute("disabled"), "there is no file yet").toBe(true);
    await fireEvent.input(screen.getByTestId("digest-file"), { target: { value: " /tmp/out.json " } });
    await fireEvent.click(screen.getByTestId("digest-read"));
    const row = await screen.findByTestId("digest-statement");
    expect(row.textContent, "no percentile is made up").toMatch(/8.412.*0\.21 ms.*—.*—.*0\.21 ms.*41\.8 ms/s);
    expect(screen.getByTestId("digest").textContent).toContain("deadlock detected");
    expect(backend.asked("queries_import")[0]?.args).toEqual({ file: "/tmp/out.json", kind: null, limit: 50, migration: "m" });
  });

  it("says what is wrong with a file", async () => {
    const backend = new FakeBackend({
      queries_import: () => {
        throw { code: "invalid", message: "The digest x cannot be read: it is empty.", remedy: "Make it again.", fields: [] };
      },
    });
    render(DigestPanel, { props: { digest: new ImportedDigest(backend, "m") } });
    await fireEvent.input(screen.getByTestId("digest-file"), { target: { value: "x" } });
    await fireEvent.click(screen.getByTestId("digest-read"));
    expect((await screen.findByTestId("digest-fault")).textContent).toContain("it is empty");
  });
});

it("a rate and the sum that it is of stand together, and nothing is said twice", () => {
  const figure = (name: string, value: number, unit: FigureUnit) => ({ of: "", name, value, unit });
  const all = [figure("rollbacks", 0, "per_s"), figure("rollbacks", 179, "count"), figure("deadlocks", 0, "per_s"), figure("deadlocks", 0, "count")];
  expect(figureTexts(all)).toEqual(["rollbacks 0 /s, 179 in all", "deadlocks 0 /s"]);
});
