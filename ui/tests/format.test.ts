import { expect, it } from "vitest";
import { age, duration, int, lagText, limit, sentence, share, span } from "../src/lib/format";

it("groups thousands with a thin space that never breaks", () => {
  expect(int(2412118007), "four groups").toBe("2\u202f412\u202f118\u202f007");
  expect(int(-1204), "a minus, not a hyphen").toBe("−1\u202f204");
  expect(int(999), "no group where there is none").toBe("999");
});

it("never rounds a share up to 100 %", () => {
  expect(share(2412118006, 2412118007, 4), "one row of 2.4 billion differs").toBe("99.9999");
  expect(share(5, 5, 4), "all equal").toBe("100.0000");
  expect(share(0, 0, 0), "nothing compared is not 100 %").toBe("0");
});

it("writes durations like the engine", () => {
  expect([5, 2472, 7200, 604_800].map(duration), "the same four cases as the engine's own test").toEqual(["5 s", "41:12", "2:00:00", "7 d"]);
});

it("writes limits in the unit they were meant in", () => {
  expect([1800, 7200, 86_400, 604_800, 61].map(span), "whole units stay whole").toEqual(["30 min", "2 h", "24 h", "7 d", "1:01"]);
  expect([1000, 500, 1500].map(limit), "no needless decimals").toEqual(["1 s", "500 ms", "1.5 s"]);
});

it("gives lag two decimals and age one unit", () => {
  expect(lagText(207.4), "seconds with fixed decimals").toBe("0.21 s");
  expect([900, 42_000, 720_000, 90_000_000].map(age), "one unit each").toEqual(["1 s", "42 s", "12 min", "25 h"]);
});

it("ends a sentence once", () => {
  expect([sentence("refused"), sentence("refused.")], "a stop is added only where it lacks").toEqual(["refused.", "refused."]);
});
