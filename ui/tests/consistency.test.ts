import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { Finding } from "../src/lib/api/generated/Finding";
import { ApiFault } from "../src/lib/backend/backend";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import ConsistencyPage from "../src/lib/consistency/ConsistencyPage.svelte";
import { sumsOf } from "../src/lib/consistency/sums";
import { activitySign, activityWords, kindWords, sinceBefore } from "../src/lib/consistency/words";
import { App, appContext } from "../src/lib/shell/app.svelte";
import { badgeOf } from "../src/lib/shell/badges";

function page(scenario: string) {
  const backend = new SampleBackend(scenario);
  const app = new App(backend);
  render(ConsistencyPage, { props: { data: backend.world.cockpit() }, context: appContext(app) });
  return { app, backend };
}

describe("words", () => {
  const finding = (kind: Finding["kind"], rows_source = 1, rows_target = 1): Finding => ({ key: [["id", "1"]], kind, columns: [], rows_source, rows_target, at: 0 });

  it("say what is wrong from the side whose rows count", () => {
    expect(kindWords(finding("missing_on_target", 1, 0), "source"), "lost on the way").toBe("missing on the target");
    expect(kindWords(finding("missing_on_target", 1, 0), "target"), "the same row after the switch").toBe("only on the source");
    expect(kindWords(finding("only_on_target", 0, 1), "target"), "lost on the way back").toBe("missing on the source");
    expect([kindWords(finding("different"), "source"), kindWords(finding("different"), "target")], "the side that is wrong").toEqual(["differs on the target", "differs on the source"]);
    expect(kindWords(finding("different", 3, 1), "source"), "rows without a key are counted").toBe("3 × on the source, 1 × on the target");
  });

  it("never promise that it goes on by itself while something has to be mended", () => {
    const following = { ...new SampleBackend("trouble").world.consistency.answer().following };
    expect(activityWords(following), "a trouble comes first").toContain("once this is mended");
    expect(activityWords({ ...following, trouble: null }), "else it only waits").toContain("once no command runs");
  });

  it("never say that changes are followed while they are not", () => {
    const { following } = new SampleBackend("follows").world.consistency.answer();
    expect(activitySign(following).mark, "followed").toBe("✓");
    const blind = { ...following, since: null };
    expect(activitySign(blind), "idle between two passes is not a pass").toMatchObject({ mark: "●", word: "Between full passes" });
    expect(activityWords(blind), "in words").toContain("not followed now");
  });

  it("tell both sides' change where they disagree", () => {
    const { tables } = new SampleBackend("differs").world.consistency.answer();
    const of = (name: string) => tables.find((t) => t.standing.table.name === name)!.standing;
    expect(sinceBefore(of("orders")), "one figure where both sides grew alike").toBe("+18\u202f247");
    expect(sinceBefore(of("invoices")), "both where not").toBe("+1\u202f624 / +1\u202f626");
    expect(sinceBefore({ ...of("orders"), rows_before: null }), "no pass before").toBeNull();
  });
});

describe("sums", () => {
  it("count what the engine judged, and never call a table compared that was not", () => {
    const { tables } = new SampleBackend("differs").world.consistency.answer();
    const sum = sumsOf(tables);
    expect([sum.findings, sum.different, sum.unproven, sum.notCompared, sum.hot], "by verdict").toEqual([1_206, 2, 1, 1, 2]);
    expect([sum.compared, sum.tables], "the one that could not be read is not among them").toEqual([12, 13]);
    expect(sum.oldest?.standing.full_at, "the pass that is longest ago").toBe(Math.min(...tables.map((t) => t.standing.full_at)));
  });
});

it("the navigation never says 100 % while the gate knows of rows that differ", () => {
  const data = new SampleBackend("follows").world.cockpit();
  const now = Date.now();
  expect(badgeOf("consistency", data, now)?.text, "all equal at the last validation").toBe("100 %");
  const gates = data.gates.map((g) => (g.gate === "consistency" ? { ...g, verdict: "fail" as const, why: "11 rows differ, in 3 of 28 tables", remedy: "Repair them." } : g));
  const badge = badgeOf("consistency", { ...data, gates }, now);
  expect([badge?.text, badge?.tone, badge?.says], "found since").toEqual(["✕", "bad", "11 rows differ, in 3 of 28 tables"]);
});

describe("the page", () => {
  it("opens with what differs: counts, and the rows themselves", async () => {
    page("differs");
    const detail = await screen.findByTestId("table-detail");
    expect(screen.getByTestId("tile-different").textContent, "rows and tables").toMatch(/1.206 rows, 2 tables/);
    expect(screen.getByTestId("tile-verified").textContent, "how fresh the verdicts are").toContain("< 5 s ago");
    expect(detail.textContent, "the first that differs").toContain("public.invoices");
    await waitFor(() => expect(within(detail).getAllByTestId("finding").length, "a page of a hundred").toBe(100));
    expect(screen.getByTestId("findings-count").textContent, "of how many").toMatch(/100 of 1.204/);
  });

  it("loads a hundred more when asked", async () => {
    page("differs");
    await fireEvent.click(await screen.findByTestId("findings-more"));
    await waitFor(() => expect(screen.getByTestId("findings-count").textContent, "after the first hundred").toMatch(/200 of 1.204/));
    expect(screen.getAllByTestId("finding").length, "each is there").toBe(200);
  });

  it("gives every verdict a word and a sign, and says why something was not compared", async () => {
    page("differs");
    await screen.findByTestId("tables");
    const row = (name: string) => screen.getByTestId(`table-${name}`).textContent;
    expect(row("public.invoices"), "differs").toContain("✕ differs");
    expect(row("public.sessions"), "hot rows are unproven").toMatch(/2 hot.*◐ unproven/);
    expect(row("public.blobs"), "not compared").toContain("○ not compared");
    expect(row("public.orders"), "equal").toContain("✓ equal");
    expect(row("public.customers"), "left out columns are named").toContain("search_vector and 1 more, not compared");
    expect(row("stock.moves"), "a table without a key").toContain("compared as a whole");
    await fireEvent.click(screen.getByTestId("table-open-public.blobs"));
    expect((await screen.findByTestId("not-compared")).textContent, "with the reason").toContain("permission denied");
    await fireEvent.click(screen.getByTestId("table-open-public.sessions"));
    expect((await screen.findByTestId("hot")).textContent, "and what hot means").toContain("neither “equal” nor “different” was seen.");
    expect(screen.getByTestId("hot-rows").textContent, "which rows are hot, and how many are not named").toMatch(/id =\s*4120017.*and 1 more/s);
  });

  it("exports everything into a file that the host asks for, and says where it is or why not", async () => {
    const { app, backend } = page("differs");
    await fireEvent.click(await screen.findByTestId("export-all"));
    await waitFor(() => expect(app.notices.at(-1)?.body, "where it is").toContain("differences.csv"));
    expect(app.notices.at(-1)?.body, "who may read it").toContain("only you");
    backend.exportFindings = () => Promise.resolve(null);
    const before = app.notices.length;
    await fireEvent.click(screen.getByTestId("export-all"));
    await waitFor(() => expect(screen.getByTestId<HTMLButtonElement>("export-all").disabled).toBe(false));
    expect(app.notices.length, "a cancelled dialog is no event").toBe(before);
    backend.exportFindings = () => Promise.reject(new ApiFault({ code: "failed", message: "No space is left.", remedy: "Free some." }));
    await fireEvent.click(screen.getByTestId("export-all"));
    await waitFor(() => expect(app.notices.at(-1), "what is wrong and what to do").toMatchObject({ tone: "bad", body: "No space is left. Free some." }));
  });

  it("previews the repair of chosen rows, of a table, of all; never runs it", async () => {
    const { app, backend } = page("differs");
    await screen.findByTestId("choose-3");
    expect(screen.getByTestId<HTMLButtonElement>("repair-chosen").disabled, "nothing is chosen").toBe(true);
    await fireEvent.click(screen.getByTestId("choose-3"));
    await fireEvent.click(screen.getByTestId("choose-1"));
    await fireEvent.click(screen.getByTestId("repair-chosen"));
    const table = { schema: "public", name: "invoices" };
    expect(app.dialog, "the chosen rows by their numbers").toEqual({ kind: "preview", command: { command: "repair", table, findings: [1, 3] } });
    await fireEvent.click(screen.getByTestId("repair-table"));
    expect(app.dialog, "the whole table").toEqual({ kind: "preview", command: { command: "repair", table, findings: [] } });
    await fireEvent.click(screen.getByTestId("repair-all"));
    expect(app.dialog, "everything").toEqual({ kind: "preview", command: { command: "repair", table: null, findings: [] } });
    expect(backend.world.running, "a click opens a preview and nothing else").toBeNull();
  });

  it("forgets a choice whose row was repaired", async () => {
    const { backend } = page("differs");
    await fireEvent.click(await screen.findByTestId("choose-1"));
    backend.world.consistency.repair({ schema: "public", name: "invoices" }, [1]);
    await waitFor(() => expect(screen.queryByTestId("choose-1"), "the row is gone from the list").toBeNull(), { timeout: 5_000 });
    expect(screen.getByTestId<HTMLButtonElement>("repair-chosen").disabled, "and from what is chosen").toBe(true);
  });

  it("chooses all rows that are shown", async () => {
    page("differs");
    await screen.findByTestId("choose-1");
    await fireEvent.click(screen.getByTestId("choose-shown"));
    expect(screen.getByTestId("repair-chosen").textContent, "those on the page").toContain("100 chosen rows");
  });

  it("is filtered by name, and walked through with the arrow keys", async () => {
    page("many");
    const list = await screen.findByTestId("tables");
    expect(within(list).getAllByRole("row").length, "all tables and the head").toBe(214);
    await fireEvent.input(screen.getByTestId("tables-filter"), { target: { value: "SHIPMENT" } });
    await waitFor(() => expect(within(list).getAllByRole("row").length, "two match, whatever the case").toBe(3));
    screen.getByTestId("table-open-public.shipment_events").focus();
    await fireEvent.keyDown(document.activeElement!, { key: "ArrowDown" });
    expect(document.activeElement?.textContent, "down is the next table").toContain("shipments");
  });

  it("closes the details with Esc and gives the focus back", async () => {
    page("differs");
    await fireEvent.keyDown(await screen.findByTestId("detail-close"), { key: "Escape" });
    await waitFor(() => expect(screen.queryByTestId("table-detail"), "closed").toBeNull());
    expect(document.activeElement?.textContent, "on the row it belonged to").toContain("invoices");
  });
});

describe("the comparison in the background", () => {
  const doing = async () => (await screen.findByTestId("background")).textContent;

  it("says what it is at", async () => {
    page("pass");
    expect(await doing(), "a full pass").toContain("Full pass");
    expect(screen.getByTestId("pass").textContent, "share, tables, pace, time left").toMatch(/41\.\d %.*5 of 13 tables.*982.113 rows\/s.*left/s);
  });

  it("tells a trouble with its sentence", async () => {
    page("trouble");
    await screen.findByTestId("background");
    expect(screen.getByTestId("trouble").textContent, "the engine's words, ended once").toContain("compared as a whole.");
    expect(screen.getByTestId("tile-verified").textContent, "and no figure that was not measured").toContain("not followed now");
  });

  it("is paused, resumed and slowed from here", async () => {
    const { backend } = page("follows");
    await fireEvent.click(await screen.findByTestId("pause"));
    await waitFor(() => expect(backend.world.consistency.pacing.paused, "the engine was told").toBe(true));
    await waitFor(() => expect(screen.getByTestId("pause").textContent, "the button turns").toContain("Resume"));
    await fireEvent.change(screen.getByTestId("duty"), { target: { value: "10" } });
    await waitFor(() => expect(backend.world.consistency.pacing, "one wish keeps the others").toEqual({ paused: true, duty: 10, full_every_s: 86_400 }));
    await fireEvent.change(screen.getByTestId("full-every"), { target: { value: "0" } });
    await waitFor(() => expect(backend.world.consistency.pacing.full_every_s, "never by itself").toBe(0));
  });

  it("compares one table, or all, when asked", async () => {
    page("follows");
    await fireEvent.click(await screen.findByTestId("compare-public.orders"));
    await waitFor(() => expect(screen.getByTestId("table-public.orders").textContent, "it waits for its turn").toContain("● waiting"));
    expect(screen.getByTestId("table-public.customers").textContent, "the others do not").not.toContain("● waiting");
    await fireEvent.click(screen.getByTestId("compare-all"));
    await waitFor(() => expect(screen.getByTestId("table-public.customers").textContent, "now they do").toContain("● waiting"));
  });

  it("says why a wish was refused", async () => {
    const { backend } = page("follows");
    await screen.findByTestId("compare-all");
    backend.world.s.phasesDone = 2;
    await fireEvent.click(screen.getByTestId("compare-all"));
    expect((await screen.findByTestId("consistency-refused")).textContent, "with its remedy").toContain("Run “Start replication” first.");
  });

  it("never calls a first pass complete", async () => {
    page("first");
    expect((await screen.findByTestId("tile-unproven")).textContent, "what it has not come to is unproven").toContain("9 to come");
    expect(screen.getByTestId("tile-different").textContent, "none so far is not none").toContain("○ none so far");
  });
});

describe("where there is less to show", () => {
  it("nothing was compared: says what has to happen", async () => {
    page("fresh");
    expect(await screen.findByText("Nothing was compared yet")).toBeTruthy();
    expect(screen.getByText(/Once replication runs and the initial copy is over/), "what it waits for").toBeTruthy();
    expect(screen.queryByTestId("background"), "and shows no controls that would do nothing").toBeNull();
  });

  it("only a journaled validation: it is shown as such", async () => {
    const { app } = page("validated");
    expect((await screen.findByTestId("table-public.invoices")).textContent, "its verdicts").toContain("✕ differs:");
    await fireEvent.click(screen.getByTestId("validate-run"));
    expect(app.dialog, "another can be run").toEqual({ kind: "preview", command: { command: "validate" } });
  });

  it("the first look fails: the sentence and its remedy", async () => {
    page("unreadable");
    const fault = await screen.findByTestId("consistency-fault");
    expect(fault.textContent).toContain("The store could not be read");
    expect(fault.textContent).toContain("Look at the disk");
  });

  it("a later look fails: what was seen stays, and is said to be old", async () => {
    page("lost");
    const banner = await screen.findByTestId("consistency-stale", {}, { timeout: 4_000 });
    expect(banner.textContent, "how old, why, and what to do").toMatch(/Stale: this is how it was .* ago.*could not be read.*Look at the disk/s);
    expect(screen.getByTestId("table-public.orders").textContent, "the figures stay").toContain("✓ equal");
  });
});
