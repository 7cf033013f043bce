import { expect, it } from "vitest";
import { age, duration, int, lagText, limit, localTimes, readSpan, sentence, share, shortWhen, silence, span, when } from "../src/lib/format";

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

it("gives lag a fixed width and age one unit", () => {
  expect([4.2, 207.4, 12_344].map(lagText), "milliseconds never read as zero").toEqual(["0.005 s", "0.208 s", "12.34 s"]);
  expect([900, 4_999, 42_000, 720_000, 90_000_000].map(age), "one unit, in steps").toEqual(["< 5 s", "< 5 s", "40 s", "12 min", "25 h"]);
  expect([3_600, 9_400, 119_000, 720_000].map(silence), "what is stale is counted, as the gates' sentences do").toEqual(["3 s", "9 s", "119 s", "12 min"]);
});

it("reads a time as people write it", () => {
  expect(["2 h", "30min", "90", "1:30:00", "41:12", "7 D", "1,5 h"].map(readSpan), "with its unit, or as a clock").toEqual([7200, 1800, 90, 5400, 2472, 604_800, 5400]);
  expect(["", "soon", "2 weeks", "-5", "1e9 d"].map(readSpan), "anything else is not guessed at").toEqual([null, null, null, null, null]);
  expect([1800, 7200, 604_800, 61].map((s) => readSpan(span(s))), "what is shown can be typed").toEqual([1800, 7200, 604_800, 61]);
});

it("ends a sentence once", () => {
  expect([sentence("refused"), sentence("refused.")], "a stop is added only where it lacks").toEqual(["refused.", "refused."]);
});

it("tells the engine's times as the others on the page", () => {
  const at = Date.UTC(2026, 10, 24, 18, 40, 5);
  const text = "“b” stopped answering; its last answer came at 2026-11-24 18:40:05Z. Refused.";
  expect(localTimes(text, at), "in the zone of whoever reads it").toBe(`“b” stopped answering; its last answer came at ${when(at, at)}. Refused.`);
  expect(localTimes("at 2026-99-99 18:40:05Z", at), "what is no time stays").toBe("at 2026-99-99 18:40:05Z");
});

it("names the day when it is not today", () => {
  const noon = new Date(2026, 10, 24, 12, 0, 0).getTime();
  const at = (day: number, h: number, m: number, s: number) => new Date(2026, 10, day, h, m, s).getTime();
  expect(when(at(24, 0, 0, 0), noon), "from the first second").toBe("00:00:00");
  expect(when(at(24, 23, 59, 59), noon), "to the last").toBe("23:59:59");
  expect(when(at(23, 23, 59, 59), noon), "yesterday has its date").toBe("23 Nov 23:59:59");
  expect(when(at(24, 9, 5, 7), at(25, 0, 0, 1)), "and today becomes yesterday at midnight").toBe("24 Nov 09:05:07");
  expect(shortWhen(at(24, 9, 5, 7), noon), "without seconds").toBe("09:05");
});
