import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { SampleQueries, SLOW } from "../src/lib/backend/sample/queries";
import { scenarioOf } from "../src/lib/backend/sample/scenarios";
import { clock } from "../src/lib/clock.svelte";
import QueriesPage from "../src/lib/queries/QueriesPage.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";
import { FakeBackend } from "./setup";

function page(backend: SampleBackend | FakeBackend) {
  return render(QueriesPage, { props: { migration: "m" }, context: appContext(new App(backend)) });
}

function answers(queries: SampleQueries) {
  return new FakeBackend({
    queries_top: (args) => queries.top(args.sort),
    queries_errors: () => queries.errors(),
    latency_chart: (args) => queries.latency(args),
    queries_plans: (args) => queries.plans(args.statement),
    queries_index: (args) => queries.index(args.statement, args.apply),
  });
}

beforeEach(() => {
  clock.now = Date.now();
});

describe("the Queries page", () => {
  it("shows what costs most first, with both means, and why", async () => {
    page(new SampleBackend("busy"));
    const worst = await screen.findByTestId(`statement-${SLOW}`);
    expect(worst.textContent).toContain("slower");
    expect(worst.textContent).toContain("The target lacks the index orders_customer_id_idx");
    expect(worst.textContent, "both sides").toContain("0.21 ms");
    expect(worst.textContent).toContain("41.8 ms");
    expect(screen.getByTestId("slower").textContent).toContain("1 statement slower");
  });

  it("lays both plans side by side and makes the missing index", async () => {
    const backend = answers(new SampleQueries(scenarioOf("busy")));
    page(backend);
    await fireEvent.click(await screen.findByTestId(`open-${SLOW}`));
    const lines = await screen.findAllByTestId("plan-line");
    expect(lines[1]?.textContent, "index against whole table").toMatch(/Index Scan on orders.*Seq Scan on orders/s);
    expect(lines[1]?.querySelector("[role=img]")?.getAttribute("aria-label")).toContain("another node");
    expect(lines[0]?.querySelector("[role=img]"), "what is alike has no mark").toBeNull();
    expect(screen.getByTestId("index-preview").textContent, "the exact statement stands there before").toContain("CREATE INDEX CONCURRENTLY");
    expect(backend.asked("queries_index"), "nothing was made yet").toHaveLength(0);
    await fireEvent.click(screen.getByTestId("make-index"));
    expect((await screen.findByTestId("index-made")).textContent).toContain("orders_customer_id_idx");
    expect(backend.asked("queries_index")[0]?.args).toEqual({ migration: "m", statement: SLOW, apply: true });
    await waitFor(() => expect(screen.queryByTestId("make-index"), "nothing is missing any more").toBeNull());
  });

  it("shows latency of both sides over time, and says why one is not measured", async () => {
    const backend = answers(new SampleQueries(scenarioOf("busy")));
    page(backend);
    expect((await screen.findByTestId("latency-of-target")).textContent).toContain("2.0 ms");
    expect(screen.getByTestId("latency-ratio").textContent, "with its verdict").toMatch(/1\.3 ×.*within the limits.*worst 2\.4 ×/s);
    await fireEvent.click(screen.getByTestId("latency-writes"));
    await waitFor(() => expect(screen.getByTestId("latency-of-target").textContent).toContain("nobody but the stream"));
    expect(screen.getByTestId("latency-ratio").textContent, "one side has no ratio").not.toContain("×");
    expect(backend.asked("latency_chart").at(-1)?.args).toMatchObject({ what: "writes", percentile: "p99" });
  });

  it("says that a statement fails always, and that the source never does", async () => {
    page(new SampleBackend("busy"));
    const kind = await screen.findByTestId("error-kind");
    expect(kind.textContent).toContain("Fails always");
    expect(kind.textContent).toContain("42883");
    expect(kind.textContent).toContain("never");
  });

  it("says what cannot be seen, and keeps what it showed when it cannot ask", async () => {
    page(new SampleBackend("fresh"));
    expect((await screen.findByTestId("queries-refused")).textContent).toContain("CREATE EXTENSION pg_stat_statements");
    const queries = new SampleQueries(scenarioOf("busy"));
    const fault = { code: "unreachable", message: "orders-eu does not answer.", remedy: "Look at the server." };
    const backend = new FakeBackend({
      queries_top: (args) => {
        if (args.window === "watch") throw fault;
        return queries.top(args.sort);
      },
      queries_errors: () => {
        throw { code: "failed", message: "The server collects no log into files.", remedy: "Give the log's file." };
      },
    });
    document.body.innerHTML = "";
    page(backend);
    await screen.findByTestId(`statement-${SLOW}`);
    await fireEvent.click(screen.getByTestId("queries-again"));
    expect((await screen.findByTestId("queries-fault")).textContent).toContain("does not answer");
    expect(screen.getByTestId(`statement-${SLOW}`), "what was seen stays").toBeTruthy();
    expect((await screen.findByTestId("errors-fault")).textContent).toContain("collects no log");
  });

  it("sorts by what is chosen", async () => {
    const backend = answers(new SampleQueries(scenarioOf("busy")));
    page(backend);
    await fireEvent.click(await screen.findByTestId("sort-calls"));
    await waitFor(() => expect(backend.asked("queries_top").at(-1)?.args).toMatchObject({ sort: "calls" }));
    expect(screen.getByTestId("sort-calls").getAttribute("aria-pressed")).toBe("true");
  });
});
