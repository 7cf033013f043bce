import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { matching } from "../src/lib/journal/filter";
import JournalPage from "../src/lib/journal/JournalPage.svelte";

const NAME = "orders-eu-to-18";

describe("the filter", () => {
  const lines = new SampleBackend("busy").world.journal.lines;

  it("without words shows everything", () => {
    expect(matching(lines, { text: "  ", tone: "all" }), "blanks are no words").toHaveLength(lines.length);
  });

  it("wants every word, anywhere in sentence, author or entry", () => {
    const found = matching(lines, { text: "HAProxy failed", tone: "all" });
    expect(found.map((l) => l.recorded.entry), "case and order do not matter").toEqual(["step_failed"]);
    expect(matching(lines, { text: "signed_off", tone: "all" }), "the entry's own name counts").toHaveLength(1);
    expect(matching(lines, { text: "nonsense", tone: "all" }), "nothing is found for nothing").toEqual([]);
  });

  it("can show one tone only, together with words", () => {
    expect(matching(lines, { text: "", tone: "bad" }).every((l) => l.tone === "bad"), "only bad ones").toBe(true);
    expect(matching(lines, { text: "sign", tone: "bad" }), "both have to match").toEqual([]);
  });
});

describe("the page", () => {
  it("filters what is shown and unfolds an entry as stored", async () => {
    const backend = new SampleBackend("busy");
    render(JournalPage, { migration: NAME, backend });
    await waitFor(() => expect(screen.getAllByTestId("journal-line").length, "all entries").toBe(backend.world.journal.lines.length));
    await fireEvent.input(screen.getByTestId("journal-filter"), { target: { value: "overrode" } });
    const [line] = screen.getAllByTestId("journal-line");
    expect(screen.getAllByTestId("journal-line").length, "one entry matches").toBe(1);
    await fireEvent.click(line!.querySelector("button")!);
    expect(line!.querySelector("pre")?.textContent, "the stored entry").toContain('"entry": "overridden"');
  });

  it("asks only for what is newer and appends it", async () => {
    const backend = new SampleBackend("busy");
    render(JournalPage, { migration: NAME, backend });
    await waitFor(() => expect(screen.getAllByTestId("journal-line").length, "the past is there").toBeGreaterThan(5));
    const before = screen.getAllByTestId("journal-line").length;
    backend.world.journal.add({ entry: "lease_taken", from: "bob@desk" }, "The lease was taken from bob@desk", "warn");
    backend.emit({ event: "changed", migration: NAME });
    await waitFor(() => expect(screen.getAllByTestId("journal-line").length, "one line more, none twice").toBe(before + 1));
    expect(screen.getAllByTestId("journal-line").at(-1)?.textContent, "at the end").toContain("bob@desk");
  });
});
