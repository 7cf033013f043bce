import { flushSync } from "svelte";
import { describe, expect, it } from "vitest";
import type { LagChart } from "../src/lib/api/generated/LagChart";
import { toFault } from "../src/lib/backend/backend";
import { ChartFeed, nearest, periodMs, pictureOf, type Ask } from "../src/lib/cockpit/chart.svelte";
import { sorted, totals } from "../src/lib/consistency/totals";
import { Draft, secretName } from "../src/lib/migrations/draft.svelte";
import { hashOf, parsePlace } from "../src/lib/shell/route.svelte";
import { cockpit, FakeBackend } from "./setup";

describe("places", () => {
  it("survive the way through the address, whatever the name", () => {
    const place = { page: "journal" as const, migration: 'a/b "c" ü' };
    expect(parsePlace(hashOf(place)), "a name with slashes and quotes comes back whole").toEqual(place);
  });
  it("that are unknown lead nowhere", () => {
    expect(parsePlace("#/nonsense"), "an unknown page").toBeNull();
    expect(parsePlace("#/journal"), "a page that needs a migration").toBeNull();
    expect(parsePlace("#/m/x/nonsense"), "an unknown page of a migration is its overview").toEqual({ page: "overview", migration: "x" });
  });
});

describe("the lag chart", () => {
  it("reads out the nearest sample", () => {
    const samples = [10, 20, 40].map((at) => ({ at, ms: at }));
    expect([0, 14, 16, 31, 99].map((at) => nearest(samples, at)?.at), "nearest on either side").toEqual([10, 10, 20, 40, 40]);
    expect(nearest([], 5), "nothing to read").toBeNull();
  });

  it("is shown as a picture that cannot run anything", () => {
    const address = pictureOf('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    expect(address.startsWith("data:image/svg+xml"), "an image's address, not markup of the page").toBe(true);
    expect(address, "and no tag survives in it unescaped").not.toContain("<");
  });

  it("throws away an answer to an older question", async () => {
    const open: ((chart: LagChart) => void)[] = [];
    const feed = new ChartFeed(new FakeBackend({ lag_chart: () => new Promise<LagChart>((resolve) => open.push(resolve)) }));
    const ask: Ask = { migration: "m", from: "source", minutes: 15, width: 400, height: 200, dark: true };
    feed.follow(ask);
    const stop = feed.follow({ ...ask, minutes: 60 });
    const chart = (svg: string): LagChart => ({ svg, samples: [], limit_ms: 1000, count: 0, worst_ms: null, plot_left: 0, plot_right: 1, from: 0, to: 1 });
    await Promise.resolve();
    open[1]?.(chart("60 minutes"));
    open[0]?.(chart("15 minutes"));
    await new Promise((resolve) => setTimeout(resolve, 10));
    flushSync();
    expect(feed.chart?.svg, "the late answer for 15 minutes must not replace the hour").toBe("60 minutes");
    stop();
  });

  it("draws long ranges less often", () => {
    expect([15, 60, 360, 1440].map(periodMs), "a pixel of 24 h is two minutes wide").toEqual([4000, 6000, 30000, 30000]);
  });
});

describe("consistency", () => {
  const { validation } = cockpit("differs");
  it("counts a table's rows as equal only when the table is", () => {
    const sum = totals(validation!);
    expect(sum.different, "one table differs").toBe(1);
    expect(sum.rowsEqual, "its rows and the unproven ones do not count").toBeLessThan(sum.rows);
  });
  it("puts what needs a person on top", () => {
    expect(sorted(validation!.tables).slice(0, 4).map((t) => t.outcome.outcome), "differing, then unproven").toEqual(["different", "hot", "not_compared", "equal"]);
  });
});

describe("a new migration", () => {
  it("names the password as the engine looks it up", () => {
    const router = { kind: "pg_bouncer" as const, host: "pgb-1", port: 6432, user: "admin", rw_database: "rw", ro_database: "ro" };
    expect(secretName(router), "RouterConfig::secret_name").toBe("pgbouncer admin@pgb-1:6432");
  });

  it("says what is missing and sends what was typed", () => {
    const draft = new Draft();
    expect(draft.missing, "first the name").toContain("name");
    draft.name = " move ";
    draft.source = "a";
    draft.target = "a";
    expect(draft.missing, "one database on both ends").toContain("same endpoint");
    draft.target = "b";
    draft.addPgBouncer();
    draft.addHaproxy();
    const pgb = draft.routers[0];
    if (pgb?.kind === "pg_bouncer") {
      pgb.password = "secret";
      pgb.host = "";
      expect(draft.missing, "a router needs its fields").toContain("router");
      pgb.host = "pgb-1";
    }
    expect(draft.missing, "complete").toBeNull();
    const request = draft.request();
    expect(request.name, "trimmed").toBe("move");
    expect(request.router_passwords, "under its own name").toEqual([{ secret: "pgbouncer pgbouncer@pgb-1:6432", password: "secret" }]);
    expect(JSON.stringify(request.routers), "never inside the router").not.toContain("secret");
  });
});

it("whatever a host throws becomes a sentence with a remedy", () => {
  const told = toFault({ code: "refused", message: "No.", remedy: "Ask." });
  expect([told.code, told.message, told.remedy], "the engine's own words pass unchanged").toEqual(["refused", "No.", "Ask."]);
  expect(toFault(new TypeError("fetch failed")).message, "a lost host is named").toContain("did not answer");
  expect(toFault(undefined).remedy, "and there is always something to do").not.toBe("");
});
