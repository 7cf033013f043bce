import { describe, expect, it, vi } from "vitest";
import { clock } from "../src/lib/clock.svelte";
import { share } from "../src/lib/cockpit/share";
import { cockpit } from "./setup";

describe("a new picture shares with the old one what is the same", () => {
  it("all of it when nothing changed, whatever is in it", () => {
    const before = cockpit("many");
    expect(share(before, structuredClone(before)), "the very same object: nothing is drawn").toBe(before);
  });

  it("everything but the way to what changed", () => {
    const before = cockpit("many");
    const next = structuredClone(before);
    next.lag!.now_ms += 1;
    const shared = share(before, next);
    expect(shared, "another picture").not.toBe(before);
    expect(shared.lag, "with the new figure").toEqual(next.lag);
    for (const part of ["validation", "copy", "phases", "way_back", "ladder"] as const) {
      expect(shared[part], `${part} did not change`).toBe(before[part]);
    }
    expect(before.lag?.now_ms, "the old picture is left as it was").toBe(next.lag!.now_ms - 1);
  });

  it("and never more than the new one has", () => {
    expect(share({ a: 1, b: { c: 2 } }, { a: 1 }), "a part that is gone is gone").toEqual({ a: 1 });
    expect(share({ a: undefined }, { b: undefined } as object), "names count, also of nothing").toEqual({ b: undefined });
    expect(share([1, 2, 3], [1, 2]), "shorter lists are shorter").toEqual([1, 2]);
    expect(share({ a: [1] }, { a: { 0: 1 } } as object), "a list is no record").toEqual({ a: { 0: 1 } });
    expect(share(null, { a: null }), "nothing before").toEqual({ a: null });
    const nan = { a: Number.NaN };
    expect(share(nan, { a: Number.NaN }), "what is not a number stays the same").toBe(nan);
  });
});

describe("the screen's clock", () => {
  it("shows what waits with its next beat, all of it at once", () => {
    vi.useFakeTimers({ now: 1_800_000_000_000 });
    const stop = clock.start();
    const shown: string[] = [];
    clock.onBeat(() => shown.push("chart"));
    const takeBack = clock.onBeat(() => shown.push("late"));
    takeBack();
    vi.advanceTimersByTime(500);
    expect(shown, "not at a moment of its own").toEqual([]);
    clock.beat();
    expect(shown, "with the beat, and what was taken back never").toEqual(["chart"]);
    clock.beat();
    expect(shown, "once").toEqual(["chart"]);
    stop();
    vi.useRealTimers();
  });

  it("beats alone when no picture comes, and only then", () => {
    vi.useFakeTimers({ now: 1_800_000_000_000 });
    const stop = clock.start();
    for (let i = 0; i < 5; i += 1) {
      vi.advanceTimersByTime(1_000);
      clock.beat();
    }
    const last = clock.now;
    vi.advanceTimersByTime(1_500);
    expect(clock.now, "a picture may be a little late").toBe(last);
    vi.advanceTimersByTime(3_000);
    expect(clock.now - last, "ages go on counting when the engine is silent").toBeGreaterThanOrEqual(3_000);
    stop();
    vi.useRealTimers();
  });
});
