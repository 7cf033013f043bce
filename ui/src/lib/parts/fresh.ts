/** Something with an age: when it was measured, and for how long that counts. */
export interface Aged {
  at: number | null;
  counts_ms: number | null;
}

/** Whether a measurement is older than it counts. What was never measured is not old; it is missing. */
export function isOld({ at, counts_ms }: Aged, now: number): boolean {
  return at !== null && counts_ms !== null && now - at > counts_ms;
}
