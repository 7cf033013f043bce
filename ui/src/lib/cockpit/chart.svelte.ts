import type { ApiError } from "../api/generated/ApiError";
import type { LagChart } from "../api/generated/LagChart";
import type { LagSample } from "../api/generated/LagSample";
import type { Side } from "../api/generated/Side";
import { toFault, type Backend } from "../backend/backend";
import { clock } from "../clock.svelte";

export const RANGES = [
  { minutes: 15, label: "15 m" },
  { minutes: 60, label: "1 h" },
  { minutes: 360, label: "6 h" },
  { minutes: 1440, label: "24 h" },
] as const;

/** How often a range is drawn again: about once per pixel column that moved, never faster than every 4 s. */
export function periodMs(minutes: number): number {
  return Math.max(4_000, Math.min(30_000, minutes * 100));
}

export interface Ask {
  migration: string;
  from: Side;
  minutes: number;
  width: number;
  height: number;
  dark: boolean;
}

/** The picture as an address. Inside an <img> an SVG can neither run a script nor load anything, whatever it holds. */
export function pictureOf(svg: string): string {
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}

/** The sample nearest to a time; samples are in order. */
export function nearest(samples: LagSample[], at: number): LagSample | null {
  let low = 0;
  let high = samples.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const here = samples[middle];
    if (here !== undefined && here.at < at) low = middle + 1;
    else high = middle;
  }
  const right = samples[low];
  const left = samples[low - 1];
  if (right === undefined) return left ?? null;
  return left !== undefined && at - left.at < right.at - at ? left : right;
}

/** Keeps one chart current for what is asked; an answer to an older question is thrown away. */
export class ChartFeed {
  chart = $state.raw<LagChart | null>(null);
  fault = $state.raw<ApiError | null>(null);
  #asked = 0;
  #takeBack: () => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly backend: Backend) {}

  follow(ask: Ask): () => void {
    this.#forget();
    const mine = ++this.#asked;
    let first = true;
    const again = async () => {
      try {
        const chart = await this.backend.call("lag_chart", { ...ask, utc_offset_minutes: -new Date().getTimezoneOffset() });
        if (mine !== this.#asked) return;
        // A new question is answered at once; the next picture of the same one goes on the screen with everything else.
        if (first) this.#show(chart);
        else this.#takeBack = clock.onBeat(() => this.#show(chart));
        first = false;
      } catch (thrown) {
        if (mine !== this.#asked) return;
        this.fault = toFault(thrown);
      }
      this.#timer = setTimeout(() => void again(), periodMs(ask.minutes));
    };
    void again();
    return () => {
      this.#asked += 1;
      this.#forget();
    };
  }

  #show(chart: LagChart): void {
    this.chart = chart;
    this.fault = null;
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#takeBack();
  }
}
