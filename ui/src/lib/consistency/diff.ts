/** A run of text that stands on both sides, or on one of them only. An empty run says that the other side has more here. */
export interface Run {
  text: string;
  same: boolean;
}

export interface Difference {
  source: Run[];
  target: Run[];
}

/** A stretch of both texts, the same on both or not. */
type Hunk = { same: true; text: string } | { same: false; source: string; target: string };

/** Comparing more pieces with each other than this takes longer than a reader waits; then the middle counts as one piece. */
const MOST_CELLS = 400_000;

/**
 * What two texts have in common and what not, word by word, and within a word that is nearly the same letter by letter;
 * `binary` takes them as pairs of hex digits.
 */
export function diff(source: string, target: string, binary = false): Difference {
  const a = piecesOf(source, binary);
  const b = piecesOf(target, binary);
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const middle = hunksOf(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const hunks: Hunk[] = [
    { same: true, text: a.slice(0, head).join("") },
    ...middle.flatMap((hunk) => (hunk.same || binary ? [hunk] : lettersOf(hunk.source, hunk.target))),
    { same: true, text: a.slice(a.length - tail).join("") },
  ];
  return { source: side(hunks, "source"), target: side(hunks, "target") };
}

function piecesOf(text: string, binary: boolean): string[] {
  return text.match(binary ? /../gs : /[\p{L}\p{N}_]+|[^\p{L}\p{N}_]/gsu) ?? [];
}

/** By the longest common subsequence; neighbours that differ are one hunk. */
function hunksOf(a: string[], b: string[]): Hunk[] {
  if (a.length === 0 && b.length === 0) return [];
  if (a.length * b.length > MOST_CELLS) return [{ same: false, source: a.join(""), target: b.join("") }];
  const width = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const hunks: Hunk[] = [];
  let [i, j, source, target, text] = [0, 0, "", "", ""];
  const flush = () => {
    if (text !== "") hunks.push({ same: true, text });
    if (source !== "" || target !== "") hunks.push({ same: false, source, target });
    [source, target, text] = ["", "", ""];
  };
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      if (source !== "" || target !== "") flush();
      text += a[i] ?? "";
      i += 1;
      j += 1;
      continue;
    }
    if (text !== "") flush();
    if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) source += a[i++] ?? "";
    else target += b[j++] ?? "";
  }
  flush();
  return hunks;
}

/** Two pieces that are nearly the same, letter by letter from both ends; others stay whole, single letters tell nothing. */
function lettersOf(source: string, target: string): Hunk[] {
  const a = [...source];
  const b = [...target];
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  if ((head + tail) * 2 < shorter || head + tail === 0) return [{ same: false, source, target }];
  return [
    { same: true, text: a.slice(0, head).join("") },
    { same: false, source: a.slice(head, a.length - tail).join(""), target: b.slice(head, b.length - tail).join("") },
    { same: true, text: a.slice(a.length - tail).join("") },
  ];
}

/** One side's runs; what is the same and meets is joined. */
function side(hunks: Hunk[], which: "source" | "target"): Run[] {
  const runs: Run[] = [];
  for (const hunk of hunks) {
    const text = hunk.same ? hunk.text : hunk[which];
    const last = runs.at(-1);
    if (hunk.same && text === "") continue;
    if (last !== undefined && last.same === hunk.same) last.text += text;
    else runs.push({ text, same: hunk.same });
  }
  return runs;
}
