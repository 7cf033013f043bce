import { describe, expect, it } from "vitest";
import css from "../src/styles/tokens.css?raw";

type Tokens = Record<string, string>;

function block(after: string): Tokens {
  const start = css.indexOf(after);
  const body = css.slice(css.indexOf("{", start) + 1, css.indexOf("}", start));
  return Object.fromEntries([...body.matchAll(/--([a-z]+):\s*(#[0-9a-f]+)/g)].map((m) => [m[1], m[2]]));
}

function luminance(hex: string): number {
  const channel = (i: number) => {
    const v = parseInt(hex.slice(1 + i * 2, 3 + i * 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2);
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const themes = { light: block(":root {"), dark: block(':root[data-theme="dark"]') };

/** Every text that stands on every ground somewhere on the screen. */
const TEXT: [text: string, grounds: string[]][] = [
  ["text", ["bg", "panel", "okbg", "holdbg", "failbg", "runbg", "offbg"]],
  ["dim", ["bg", "panel", "okbg", "holdbg", "failbg", "runbg", "offbg"]],
  ["faint", ["bg", "panel"]],
  ["source", ["bg", "panel"]],
  ["target", ["bg", "panel"]],
  ["ok", ["bg", "panel", "okbg", "runbg"]],
  ["hold", ["bg", "panel", "holdbg", "failbg", "runbg"]],
  ["fail", ["bg", "panel", "failbg"]],
  ["run", ["bg", "panel", "runbg", "failbg"]],
  ["panel", ["text", "dim", "fail"]],
];

describe.each(Object.entries(themes))("%s theme", (name, tokens) => {
  for (const [text, grounds] of TEXT) {
    for (const ground of grounds) {
      it(`${text} on ${ground} is readable`, () => {
        const ratio = contrast(tokens[text] ?? "", tokens[ground] ?? "");
        expect(ratio, `WCAG AA asks 4.5 of text; ${text} on ${ground} in ${name} has ${ratio.toFixed(2)}`).toBeGreaterThanOrEqual(4.5);
      });
    }
  }

  it("borders of fields and buttons, and the focus ring, can be seen", () => {
    for (const [edge, ground] of [["edge", "panel"], ["edge", "bg"], ["run", "panel"], ["run", "bg"]] as const) {
      const ratio = contrast(tokens[edge] ?? "", tokens[ground] ?? "");
      expect(ratio, `WCAG 1.4.11 asks 3.0 of a control's edge; ${edge} on ${ground} has ${ratio.toFixed(2)}`).toBeGreaterThanOrEqual(3);
    }
  });
});

it("both copies of the dark colours agree", () => {
  expect(Object.keys(themes.dark).length, "the blocks were found").toBeGreaterThan(15);
  expect(block(":root:not"), "a colour changed in one dark block only would differ between system and override").toEqual(themes.dark);
});
