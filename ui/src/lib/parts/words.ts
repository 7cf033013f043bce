import type { Phase } from "../api/generated/Phase";

/** A stable name as people read it: `prove_caught_up` → `Prove caught up`. */
export function wordsOf(name: string): string {
  const words = name.replace(/[_.-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const PHASE_ORDER: readonly Phase[] = [
  "schema_analysis",
  "compatibility_layer",
  "dual_write",
  "validation",
  "traffic_cutover",
  "cleanup",
];
