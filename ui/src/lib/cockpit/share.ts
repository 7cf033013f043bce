/**
 * The new value with every part of the old one that did not change, itself if nothing did. What is the same object is not
 * drawn again, so a picture that comes each second costs what changed in it and not what is on the screen.
 */
export function share<T>(before: unknown, next: T): T {
  if (Object.is(before, next)) return next;
  if (Array.isArray(before) && Array.isArray(next)) {
    const items = next.map((item, i) => share<unknown>(before[i], item));
    const same = before.length === items.length && items.every((item, i) => Object.is(item, before[i]));
    return (same ? before : items) as T;
  }
  if (!isRecord(before) || !isRecord(next)) return next;
  const keys = Object.keys(next);
  const shared: Record<string, unknown> = {};
  let same = keys.length === Object.keys(before).length;
  for (const key of keys) {
    shared[key] = share(before[key], next[key]);
    same &&= Object.is(shared[key], before[key]) && key in before;
  }
  return (same ? before : shared) as T;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
