import type { ReadLatencyTile } from "../../api/generated/ReadLatencyTile";

/** What short reads cost on both sides, as probes would have measured it. */
export function readLatency(at: number): ReadLatencyTile {
  return {
    source: { p50_ms: 0.62, p95_ms: 1.41, p99_ms: 3.1 },
    target: { p50_ms: 0.55, p95_ms: 1.38, p99_ms: 2.8 },
    limit_ms: 5,
    within: true,
    samples: 476,
    min_samples: 200,
    slowest: null,
    skipped: [],
    errors: 0,
    at,
    counts_ms: 10_000,
  };
}
