import { describe, expect, it } from "vitest";
import { cellsOf, visible, type Cell } from "../src/lib/consistency/cells";
import { diff, type Run } from "../src/lib/consistency/diff";

/** A side with what differs in brackets. */
const marked = (runs: Run[]) => runs.map((r) => (r.same ? r.text : `[${r.text}]`)).join("");
const both = (a: string, b: string, binary = false) => {
  const d = diff(a, b, binary);
  return [marked(d.source), marked(d.target)];
};
const texts = (cell: Cell) => ("pieces" in cell ? cell.pieces.map((p) => (p.kind === "gap" ? `…${p.hidden}…` : p.kind === "same" ? p.text : `[${p.text}]`)).join("") : cell.kind);

describe("two texts", () => {
  it("are told apart where they differ and nowhere else", () => {
    expect(both("1240.50", "1240.05"), "the cents alone").toEqual(["1240.[50]", "1240.[05]"]);
    expect(both("2026-11-24 11:58:03.120417+00", "2026-11-24 11:58:03.120420+00"), "within a number that is nearly the same").toEqual(["2026-11-24 11:58:03.1204[17]+00", "2026-11-24 11:58:03.1204[20]+00"]);
    expect(both("Goods were sent to dock 4", "Goods was sent to Dock 4"), "two places in one text").toEqual(["Goods [were] sent to [d]ock 4", "Goods [was] sent to [D]ock 4"]);
  });

  it("that share single letters only are not cut into confetti", () => {
    expect(both("paid", "refunded"), "the common d tells nothing").toEqual(["[paid]", "[refunded]"]);
  });

  it("show on the shorter side where the longer one has more", () => {
    expect(both("PO 4471 ", "PO 4471"), "a blank at the end has its place on both sides").toEqual(["PO 4471[ ]", "PO 4471[]"]);
    expect(both("", "abc"), "nothing against something").toEqual(["[]", "[abc]"]);
  });

  it("give back every character, whatever they are", () => {
    const pairs = [["naïve 😀 test", "naive 😀 test"], ["😀😁😂", "😀😃😂"], ["a\nb\tc", "a\n\nb c"], ["x".repeat(3_000), "y".repeat(3_000)], ["same", "same"], ["", ""]] as const;
    for (const [a, b] of pairs) {
      const d = diff(a, b);
      expect(d.source.map((r) => r.text).join(""), "the source's text").toBe(a);
      expect(d.target.map((r) => r.text).join(""), "the target's text").toBe(b);
      expect(d.source.filter((r) => r.same).map((r) => r.text).join(""), "what is the same is the same on both sides").toBe(d.target.filter((r) => r.same).map((r) => r.text).join(""));
    }
  });

  it("never split one character in two", () => {
    const halves = diff("😀", "😁").source.concat(diff("😀", "😁").target);
    expect(halves.every((r) => !/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(r.text)), "no half of a pair").toBe(true);
  });

  it("that are long and quite different are answered at once", () => {
    const words = (seed: number) => Array.from({ length: 2_000 }, (_, i) => `w${(i * seed) % 997}`).join(" ");
    const began = performance.now();
    diff(words(7), words(11));
    expect(performance.now() - began, "a page of a hundred must not wait").toBeLessThan(300);
  });
});

describe("values side by side", () => {
  it("keep NULL, the text NULL and the empty text apart", () => {
    const nulls = cellsOf({ column: "c", source: null, target: "NULL" }, false);
    expect([nulls.source.kind, texts(nulls.target)], "no value against four letters").toEqual(["null", "[NULL]"]);
    expect(nulls.notes.join(" "), "and says so").toContain("not a missing value");
    const empty = cellsOf({ column: "c", source: "", target: null }, false);
    expect([empty.source.kind, empty.target.kind], "empty is not NULL").toEqual(["empty", "null"]);
    expect(cellsOf({ column: "c", source: "a", target: "" }, false).target.kind, "nor nothing at all").toBe("empty");
  });

  it("show a difference with what is around it, and fold the rest", () => {
    const long = "abcdefgh ".repeat(200);
    const cells = cellsOf({ column: "c", source: `${long}one${long}`, target: `${long}two${long}` }, false);
    expect(texts(cells.source), "context on both sides, counted gaps").toMatch(/^…\d+….{32}\[one\].{32}…\d+…$/);
    expect(cells.folded, "it can be unfolded").toBe(true);
    const whole = cellsOf({ column: "c", source: `${long}one${long}`, target: `${long}two${long}` }, true);
    expect(texts(whole.source), "whole on demand").toBe(`${long}[one]${long}`);
    expect(whole.folded, "nothing is left to unfold").toBe(false);
  });

  it("show bytes as hex, whole bytes only, with the place of the first that differs", () => {
    const cells = cellsOf({ column: "c", source: "\\x00ff10", target: "\\x00fe10" }, false);
    expect([texts(cells.source), texts(cells.target)], "a byte is two digits").toEqual(["00 [ff] 10", "00 [fe] 10"]);
    expect(cells.notes.join(" "), "counted from one").toContain("3 bytes against 3 bytes; the first difference is byte 2");
    const long = `\\x${"ab".repeat(500)}`;
    const folded = cellsOf({ column: "c", source: `${long}00${"cd".repeat(500)}`, target: `${long}01${"cd".repeat(500)}` }, false);
    expect(texts(folded.source), "gaps are counted in bytes").toBe(`…484… ${"ab ".repeat(16)}[00] ${"cd ".repeat(16)}…484…`);
    expect(cellsOf({ column: "c", source: "\\x", target: "\\x00" }, false).source.kind, "no bytes").toBe("empty");
    expect(cellsOf({ column: "c", source: "\\xyz", target: "\\xab" }, false).source.kind, "a text that only begins like bytes").toBe("text");
  });

  it("say when the shown parts cannot show the difference", () => {
    const cut = "x".repeat(10_000);
    expect(cellsOf({ column: "c", source: cut, target: cut }, false).notes.join(" "), "cut before the difference").toContain("the difference lies behind them");
    expect(cellsOf({ column: "c", source: cut, target: "y" }, false).notes.join(" "), "cut, and different before").toContain("the comparison was of the whole");
    expect(cellsOf({ column: "c", source: "0.1", target: "0.1" }, false).notes.join(" "), "equal as text").toContain("Both read the same");
  });

  it("make visible what is not", () => {
    expect(visible("a b\t\u00a0\u200b"), "blanks of every kind have a sign").toBe("a␣b⇥⟨nbsp⟩⟨U+200B⟩");
    expect(visible("über 1.50 😀").replaceAll("␣", ""), "what can be seen stays").toBe("über1.50😀");
  });
});
