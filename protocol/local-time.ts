/** Whether the runtime knows the IANA time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name !== "";
  } catch {
    return false;
  }
}

/**
 * UTC of a local date and time (`2026-11-21T22:00`), or of one that carries its own offset. A time that the clock skips in
 * spring is read with the offset before the change; one that occurs twice is the first. Undefined: no such date.
 */
export function localTimeToUtcMs(text: string, timeZone: string): number | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (parts === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const asUtcMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(asUtcMs);
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isReal || asUtcMs < 0) return undefined;
  const offset = parts[7];
  if (offset === "Z") return asUtcMs;
  if (offset !== undefined) {
    const sign = offset.startsWith("-") ? -1 : 1;
    return asUtcMs - sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6))) * 60_000;
  }
  const before = asUtcMs - offsetMsAt(asUtcMs - 86_400_000, timeZone);
  if (before + offsetMsAt(before, timeZone) === asUtcMs) return before;
  const after = asUtcMs - offsetMsAt(asUtcMs + 86_400_000, timeZone);
  return after + offsetMsAt(after, timeZone) === asUtcMs ? after : before;
}

/** Local time less UTC, at a moment. */
export function offsetMsAt(atMs: number, timeZone: string): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(atMs)) part[type] = Number(value);
  const local = Date.UTC(
    part["year"] ?? 0,
    (part["month"] ?? 1) - 1,
    part["day"] ?? 1,
    part["hour"] ?? 0,
    part["minute"] ?? 0,
    part["second"] ?? 0,
  );
  return local - Math.floor(atMs / 1000) * 1000;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making one costs a hundred times what it takes to use it; the zones of a city are few. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(timeZone, made);
  return made;
}
