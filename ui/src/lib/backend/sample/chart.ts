import type { LagChart } from "../../api/generated/LagChart";
import type { LagChartRequest } from "../../api/generated/LagChartRequest";

/** An invented lag for a moment: always the same, so that a picture can be compared with the last one. */
export function lagAt(at: number): number {
  const s = at / 1000;
  const wave = 40 * Math.sin(s / 7) + 25 * Math.sin(s / 2.3) + 18 * Math.sin(s * 1.7);
  const bump = 900 * Math.exp(-(((s % 1500) - 620) ** 2) / 900);
  return Math.max(40, 210 + wave + bump);
}

/** Stands in for the engine's picture. */
export function drawChart(ask: LagChartRequest, empty: boolean): LagChart {
  const { width, height } = ask;
  const to = Date.now();
  const from = to - ask.minutes * 60_000;
  const [left, right, top, bottom] = [46, width - 10, 10, height - 22];
  const columns = Math.max(2, Math.floor(right - left));
  const samples = empty
    ? []
    : Array.from({ length: columns }, (_, i) => {
        const at = Math.round(from + (i / (columns - 1)) * (to - from));
        return { at, ms: lagAt(at) };
      });
  const most = 1500;
  const x = (at: number) => left + ((at - from) / (to - from)) * (right - left);
  const y = (ms: number) => bottom - (Math.min(ms, most) / most) * (bottom - top);
  const ink = ask.dark
    ? { line: "#262d37", text: "#8793a4", hold: "#f0b34c", target: "#45c8a5", run: "#a997ff" }
    : { line: "#e3e6eb", text: "#656f7d", hold: "#855000", target: "#0a6d55", run: "#5d41cc" };
  const grid = [0, 500, 1000, 1500]
    .map((v) => `<path d="M${left} ${y(v)}H${right}" stroke="${ink.line}"/><text x="${left - 8}" y="${y(v) + 4}" text-anchor="end" fill="${ink.text}">${(v / 1000).toFixed(1)} s</text>`)
    .join("");
  const times = [0, 0.5, 1]
    .map((f) => `<text x="${left + f * (right - left)}" y="${height - 5}" text-anchor="${f === 0 ? "start" : f === 1 ? "end" : "middle"}" fill="${ink.text}">${new Date(from + f * (to - from)).toTimeString().slice(0, 5)}</text>`)
    .join("");
  const path = samples.map((p, i) => `${i === 0 ? "M" : "L"}${x(p.at).toFixed(1)} ${y(p.ms).toFixed(1)}`).join("");
  const mark = from + (to - from) * 0.42;
  const marks = empty ? "" : `<path d="M${x(mark)} ${top}V${bottom}" stroke="${ink.run}" stroke-opacity=".6"/><text x="${x(mark) + 5}" y="${top + 11}" fill="${ink.run}">5 % → 10 %</text>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="10.5">${grid}${times}<path d="M${left} ${y(1000)}H${right}" stroke="${ink.hold}" stroke-dasharray="5 4"/><text x="${right - 4}" y="${y(1000) - 5}" text-anchor="end" fill="${ink.hold}">gate 1.0 s</text>${marks}<path d="${path}" fill="none" stroke="${ink.target}" stroke-width="1.6"/></svg>`;
  return { svg, samples, limit_ms: 1000, count: samples.length, worst_ms: samples.length === 0 ? null : Math.max(...samples.map((p) => p.ms)), plot_left: left, plot_right: right, from, to };
}
