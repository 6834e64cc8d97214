const BLOCK_MS = 15 * 60_000;

/**
 * Tells night from day in one time zone, summer time included. Offsets change only on quarters of an hour, so one look at
 * the zone's tables serves a quarter.
 */
export class NightClock {
  readonly #format: Intl.DateTimeFormat;
  readonly #dateFormat: Intl.DateTimeFormat;
  #block = Number.NaN;
  #minuteAtBlock = 0;

  /** @param timeZone an IANA name that the config has checked */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      hour: "2-digit",
      minute: "2-digit",
    });
    this.#dateFormat = new Intl.DateTimeFormat("en-CA", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
  }

  /** Local date, `YYYY-MM-DD`. */
  localDate(atMs: number): string {
    const parts = this.#dateFormat.formatToParts(atMs);
    const part = (name: string): string => parts.find(({ type }) => type === name)?.value ?? "";
    return `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
  }

  /** Minutes since local midnight. */
  minuteOfDay(atMs: number): number {
    const block = Math.floor(atMs / BLOCK_MS);
    if (block !== this.#block) {
      let hour = 0;
      let minute = 0;
      for (const { type, value } of this.#format.formatToParts(block * BLOCK_MS)) {
        if (type === "hour") hour = Number(value);
        if (type === "minute") minute = Number(value);
      }
      this.#block = block;
      this.#minuteAtBlock = hour * 60 + minute;
    }
    return (this.#minuteAtBlock + Math.floor((atMs - block * BLOCK_MS) / 60_000)) % 1440;
  }

  /** Whether `from` ≤ local time < `to`, over midnight where `to` is earlier; the whole day where both are equal. */
  isWithin(atMs: number, from: string, to: string): boolean {
    const now = this.minuteOfDay(atMs);
    const start = minutes(from);
    const end = minutes(to);
    return start < end ? now >= start && now < end : now >= start || now < end;
  }
}

function minutes(text: string): number {
  const [hour = 0, minute = 0] = text.split(":").map(Number);
  return hour * 60 + minute;
}
