import { flushSync } from "svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Cockpit } from "../src/lib/api/generated/Cockpit";
import { clock } from "../src/lib/clock.svelte";
import { CockpitWatch } from "../src/lib/cockpit/watch.svelte";
import { cockpit, FakeBackend } from "./setup";

let stopClock: () => void;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  stopClock = clock.start();
});
afterEach(() => {
  stopClock();
  vi.useRealTimers();
});

async function pass(ms: number) {
  await vi.advanceTimersByTimeAsync(ms);
  flushSync();
}

function watching(answer: () => Cockpit | Promise<Cockpit>) {
  const backend = new FakeBackend({ cockpit: answer });
  const watch = new CockpitWatch(backend, "m");
  watch.start();
  return { backend, watch };
}

it("asks each second and is fresh while answers are", async () => {
  const { backend, watch } = watching(() => cockpit("busy", { at: Date.now() }));
  await pass(10_000);
  expect(backend.asked("cockpit").length, "about one call a second, no more").toBeLessThanOrEqual(11);
  expect(backend.asked("cockpit").length, "and no fewer").toBeGreaterThanOrEqual(9);
  expect(watch.stale, "an answer less than 5 s old is not stale").toBe(false);
  watch.stop();
});

it("is stale when the engine answers with an old picture", async () => {
  const { watch } = watching(() => cockpit("busy", { at: 1_800_000_000_000 }));
  await pass(4_000);
  expect(watch.stale, "4 s old is still shown as now").toBe(false);
  await pass(3_000);
  expect(watch.stale, "7 s old must be marked").toBe(true);
  expect(watch.age, "and says how old it is").toBeGreaterThanOrEqual(6_000);
  watch.stop();
});

it("is stale when the picture stands still although its clock is ahead of ours", async () => {
  const { watch } = watching(() => cockpit("busy", { at: 1_800_000_000_000 + 3_600_000 }));
  await pass(8_000);
  expect(watch.stale, "a clock that is an hour ahead must not hide a frozen picture").toBe(true);
  watch.stop();
});

it("keeps the last picture when a call fails, and says so", async () => {
  let broken = false;
  const { watch } = watching(() => {
    if (broken) throw { code: "store", message: "The disk is full.", remedy: "Free some space." };
    return cockpit("busy", { at: Date.now() });
  });
  await pass(2_000);
  broken = true;
  await pass(1_500);
  expect(watch.data?.reads_on_target, "what was known stays on the screen").toBe(10);
  expect(watch.stale, "but is marked at once").toBe(true);
  expect(watch.fault?.remedy, "with the engine's own remedy").toBe("Free some space.");
  broken = false;
  await pass(2_000);
  expect(watch.stale, "and is fresh again as soon as an answer comes").toBe(false);
  watch.stop();
});

it("never has two calls under way, whatever events say", async () => {
  let open = 0;
  let most = 0;
  const { backend, watch } = watching(async () => {
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    open -= 1;
    return cockpit("busy", { at: Date.now() });
  });
  for (let i = 0; i < 40; i += 1) {
    backend.emit({ event: "changed", migration: "m" });
    await pass(250);
  }
  expect(most, "a slow engine must not be asked again before it answered").toBe(1);
  watch.stop();
});

it("looks at once when its migration changed, and not for another's", async () => {
  const { backend, watch } = watching(() => cockpit("busy", { at: Date.now() }));
  await pass(10);
  const before = backend.asked("cockpit").length;
  backend.emit({ event: "changed", migration: "another" });
  await pass(300);
  expect(backend.asked("cockpit").length, "another migration's event costs nothing").toBe(before);
  backend.emit({ event: "changed", migration: "m" });
  await pass(300);
  expect(backend.asked("cockpit").length, "ours is answered within a moment").toBe(before + 1);
  watch.stop();
});

it("stops asking when its page is left", async () => {
  const { backend, watch } = watching(() => cockpit("busy", { at: Date.now() }));
  await pass(1_500);
  watch.stop();
  const before = backend.asked("cockpit").length;
  await pass(5_000);
  expect(backend.asked("cockpit").length, "a stopped watch is silent").toBe(before);
});
