import type { JournalLine } from "../api/generated/JournalLine";
import type { Tone } from "../api/generated/Tone";

export interface Filter {
  text: string;
  tone: Tone | "all";
}

/** Lines that hold every word of the filter, in the sentence, the author, or the entry's own name. */
export function matching(lines: JournalLine[], filter: Filter): JournalLine[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && filter.tone === "all") return lines;
  return lines.filter((line) => {
    if (filter.tone !== "all" && line.tone !== filter.tone) return false;
    const text = `${line.recorded.seq} ${line.recorded.by} ${line.recorded.entry} ${line.sentence}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
