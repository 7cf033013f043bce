import { flushSync } from "svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { FindingsRequest } from "../src/lib/api/generated/FindingsRequest";
import { SampleConsistency } from "../src/lib/backend/sample/consistency";
import { scenarioOf } from "../src/lib/backend/sample/scenarios";
import { Findings } from "../src/lib/consistency/findings.svelte";
import { Standings } from "../src/lib/consistency/standings.svelte";
import { FakeBackend } from "./setup";

beforeEach(() => vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => vi.useRealTimers());

async function pass(ms: number) {
  await vi.advanceTimersByTimeAsync(ms);
  flushSync();
}

const sample = (scenario = "differs") => new SampleConsistency(scenarioOf(scenario));

it("looks once a second while somebody sees it, and not at all otherwise", async () => {
  const world = sample();
  const backend = new FakeBackend({ consistency: () => world.answer() });
  const standings = new Standings(backend, "m");
  const stop = standings.start();
  await pass(10_000);
  expect(backend.asked("consistency").length, "about once a second").toBeGreaterThanOrEqual(9);
  expect(backend.asked("consistency").length, "and no more").toBeLessThanOrEqual(11);
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  await pass(1_500);
  const before = backend.asked("consistency").length;
  await pass(10_000);
  expect(backend.asked("consistency").length, "a minimised window asks for nothing").toBe(before);
  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(100);
  expect(backend.asked("consistency").length, "seen again, it looks at once").toBe(before + 1);
  stop();
  await pass(5_000);
  expect(backend.asked("consistency").length, "a page that was left is silent").toBe(before + 1);
});

it("draws only what changed", async () => {
  const world = sample();
  const standings = new Standings(new FakeBackend({ consistency: () => structuredClone(world.answer()) }), "m");
  const stop = standings.start();
  await pass(10);
  const first = standings.data;
  await pass(3_000);
  const moves = (d: typeof first) => d?.tables.find((t) => t.standing.table.name === "moves");
  expect(standings.data, "another picture").not.toBe(first);
  expect(moves(standings.data), "in which a table that did not change is the same").toBe(moves(first));
  stop();
});

it("builds each wish on the one before, also before the next look", async () => {
  const world = sample();
  const sent: unknown[] = [];
  const backend = new FakeBackend({ consistency: () => world.answer(), set_pacing: ({ pacing }) => (sent.push(pacing), {}) });
  const standings = new Standings(backend, "m");
  const stop = standings.start();
  await pass(10);
  await standings.pace({ paused: true });
  await standings.pace({ duty: 50 });
  expect(sent.at(-1), "slower, and still paused").toEqual({ paused: true, duty: 50, full_every_s: 86_400 });
  stop();
});

function reading(count = 2_500) {
  const world = sample();
  const one = world.findings({ migration: "m", table: { schema: "public", name: "invoices" }, after: 0, most: 1 }).findings[0]!;
  let all = Array.from({ length: count }, (_, i) => ({ ...one, id: i + 1 }));
  const backend = new FakeBackend({ findings: ({ after, most }: FindingsRequest) => ({ findings: all.filter((f) => f.id > after).slice(0, most), total: all.length }) });
  const findings = new Findings(backend, "m", { schema: "public", name: "invoices" });
  return { backend, findings, drop: (id: number) => (all = all.filter((f) => f.id !== id)) };
}

it("reads findings page by page, each once", async () => {
  const { findings } = reading(250);
  findings.follow("1");
  await pass(1);
  await findings.more();
  await findings.more();
  expect(findings.list.map((f) => f.id), "all of them, in order").toEqual(Array.from({ length: 250 }, (_, i) => i + 1));
  expect(findings.total, "of how many").toBe(250);
});

it("reads again when the table moved on, keeping what is loaded and chosen", async () => {
  const { backend, findings, drop } = reading(250);
  findings.follow("1");
  await pass(1);
  await findings.more();
  findings.choose(7, true);
  findings.choose(8, true);
  drop(7);
  for (let i = 2; i < 12; i += 1) {
    findings.follow(String(i));
    await pass(100);
  }
  await pass(2_000);
  expect(backend.asked("findings").length, "a table that moves all the time is read every two seconds at most").toBeLessThanOrEqual(4);
  expect(findings.list.length, "as many as were loaded").toBe(200);
  expect([...findings.chosen], "a row that is equal again is chosen no more").toEqual([8]);
});

it("leaves a very long list alone until somebody asks", async () => {
  const { backend, findings } = reading();
  findings.follow("1");
  await pass(1);
  for (let i = 0; i < 11; i += 1) await findings.more();
  const before = backend.asked("findings").length;
  findings.follow("2");
  await pass(5_000);
  expect(backend.asked("findings").length, "not read by itself").toBe(before);
  expect(findings.outdated, "but said").toBe(true);
  await findings.again();
  expect([findings.outdated, findings.list.length], "read again, as much as comes at once").toEqual([false, 1_000]);
});

it("keeps the list when reading fails, and says why", async () => {
  let broken = false;
  const { findings: good } = reading(3);
  good.follow("1");
  await pass(1);
  const backend = new FakeBackend({
    findings: () => {
      if (broken) throw { code: "store", message: "The disk is full.", remedy: "Free some space." };
      return { findings: good.list, total: 3 };
    },
  });
  const findings = new Findings(backend, "m", { schema: "public", name: "invoices" });
  findings.follow("1");
  await pass(1);
  broken = true;
  await findings.again();
  expect(findings.fault?.remedy, "the engine's own remedy").toBe("Free some space.");
  expect(findings.list.length, "what was read stays").toBe(3);
});
