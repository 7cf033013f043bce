import type { Severity } from "../api/generated/Severity";

/** For people; the same words as on the command line. */
export const SEVERITY_WORDS: Record<Severity, string> = {
  blocks: "blocks",
  data: "risks data",
  speed: "risks speed",
  cosmetic: "cosmetic",
};
