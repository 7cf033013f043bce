/** Figures as people read them: unit beside the number, thin spaces between thousands, fixed decimals. */

/** Narrow no-break space: a thin separator that never breaks a number over two lines. */
const THIN = "\u202f";

export function int(n: number): string {
  const digits = Math.abs(Math.round(n)).toString();
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, THIN);
  return n < 0 ? `−${grouped}` : grouped;
}

export interface Figure {
  value: string;
  unit: string;
}

/**
 * A lag in seconds, five characters wide up to 100 s, so that digits change and widths do not. Rounded up: what was
 * measured never reads as nothing.
 */
export function lag(ms: number): Figure {
  const s = ms / 1000;
  if (s >= 3600) return { value: duration(s), unit: "h" };
  return { value: s < 10 ? (Math.ceil(ms) / 1000).toFixed(3) : s < 100 ? s.toFixed(2) : int(s), unit: "s" };
}

export function lagText(ms: number): string {
  const { value, unit } = lag(ms);
  return `${value} ${unit}`;
}

/** A limit: no decimals it does not need. */
export function limit(ms: number): string {
  return ms < 1000 ? `${int(ms)} ms` : `${Number((ms / 1000).toFixed(2))} s`;
}

export function ms(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return value < 100 ? `${value.toFixed(1)} ms` : `${int(value)} ms`;
}

/** The time of a short read: `0.42 ms`, `4.1 ms`, `312 ms`. The same rule as the engine's sentences. */
export function readMs(value: number): string {
  if (value < 1) return `${value.toFixed(2)} ms`;
  return value < 100 ? `${value.toFixed(1)} ms` : `${int(value)} ms`;
}

/** A length of time: `5 s`, `41:12`, `2:00:00`, `7 d`. The same rule as the engine's sentences. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s >= 48 * 3600) return `${Math.floor(s / 86_400)} d`;
  if (s >= 3600) return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 60 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${s} s`;
}

/** A limit on time, in the unit it was meant in: `30 min`, `2 h`, `7 d`; anything uneven as a duration. */
export function span(seconds: number): string {
  if (seconds > 86_400 && seconds % 86_400 === 0) return `${seconds / 86_400} d`;
  if (seconds >= 3600 && seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds >= 60 && seconds % 60 === 0 ? `${seconds / 60} min` : duration(seconds);
}

const UNITS: Record<string, number> = { s: 1, sec: 1, min: 60, m: 60, h: 3600, d: 86_400 };

/** The seconds that somebody typed: `2 h`, `30 min`, `90`, `1:30:00`, `7 d`; null when it is none of these. */
export function readSpan(text: string): number | null {
  const clock = /^\s*(?:(\d+):)?(\d{1,2}):(\d{2})\s*$/.exec(text);
  if (clock !== null) return Number(clock[1] ?? 0) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
  const plain = /^\s*(\d+(?:[.,]\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = UNITS[(plain?.[2] || "s").toLowerCase()];
  if (plain === null || unit === undefined) return null;
  const seconds = Math.round(Number(plain[1]?.replace(",", ".")) * unit);
  return seconds <= 4_294_967_295 ? seconds : null;
}

/** With a full stop at its end, so that another sentence can follow. */
export function sentence(text: string): string {
  const t = text.trim();
  return /[.!?…]$/.test(t) ? t : `${t}.`;
}

/** How old something is, in one unit: `< 5 s`, `40 s`, `12 min`, `5 h`. In steps of five seconds: an age is not a clock. */
export function age(msOld: number): string {
  const s = Math.max(0, Math.floor(msOld / 1000));
  if (s < 5) return "< 5 s";
  if (s < 120) return `${s - (s % 5)} s`;
  if (s < 100 * 60) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

/** How old something is that no longer counts: to the second, because a silence that grows is a clock. */
export function silence(msOld: number): string {
  const s = Math.max(0, Math.floor(msOld / 1000));
  return s < 120 ? `${s} s` : age(msOld);
}

/** How long something has held, in whole units; the same steps as an age, and as the engine's sentences. */
export function held(ms: number): string {
  return ms < 5_000 ? "0 s" : age(ms);
}

/** Bytes in binary units, as PostgreSQL counts them. */
export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? int(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Share in percent, cut instead of rounded: a single differing row never reads as 100 %. */
export function share(part: number, whole: number, decimals: number): string {
  if (whole <= 0) return (0).toFixed(decimals);
  const scale = 10 ** decimals;
  return (Math.floor((part / whole) * 100 * scale) / scale).toFixed(decimals);
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const two = (n: number) => String(n).padStart(2, "0");

/** The day that was asked about last: asking the time zone anew for every figure, each second, is what costs. */
let today = { from: 0, to: 0 };

function isToday(at: number, now: number): boolean {
  if (now < today.from || now >= today.to) {
    const day = new Date(now);
    const [year, month, date] = [day.getFullYear(), day.getMonth(), day.getDate()];
    today = { from: new Date(year, month, date).getTime(), to: new Date(year, month, date + 1).getTime() };
  }
  return at >= today.from && at < today.to;
}

/** Time of day, with the day in front when that is not today. */
export function when(at: number, now: number): string {
  const then = new Date(at);
  const time = `${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}`;
  return isToday(at, now) ? time : `${DAY.format(then)} ${time}`;
}

export function shortWhen(at: number, now: number): string {
  const then = new Date(at);
  const time = `${two(then.getHours())}:${two(then.getMinutes())}`;
  return isToday(at, now) ? time : `${DAY.format(then)} ${time}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${int(n)} ${n === 1 ? one : many}`;
}

/** The engine's sentences are read elsewhere too, so their times are in UTC; here everything else is local. */
export function localTimes(text: string, now: number): string {
  return text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, (utc) => {
    const at = Date.parse(utc.replace(" ", "T"));
    return Number.isNaN(at) ? utc : when(at, now);
  });
}
