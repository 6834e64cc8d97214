import type { MessageReading, PositionReading } from "../driver.ts";
import { ALARM_BITS, hasBit, SOS_BIT } from "./alarm-bits.ts";
import type { Location } from "./location.ts";

/** What a report says, before its reader gives it a time. */
export type TimelessReading = Omit<PositionReading, "atMs"> | Omit<MessageReading, "atMs">;

const SOS = 1 << SOS_BIT;
/** A button that is still pressed after a silence as long as this may have been pressed anew: it is said again. */
const PRESSED_ANEW_AFTER_MS = 10 * 60_000;

/**
 * A bit of the alarm word stays set from report to report: only its changes are news. A report that is older than one
 * which was heard before it (kept by the terminal while it had no network) may say what nobody knew, and ends nothing;
 * the next live report ends the row of kept ones. The emergency bit of a row says itself whatever the live one says.
 */
export class TerminalState {
  #bits = 0;
  #keptBits = 0;
  #newestMs = Number.NEGATIVE_INFINITY;
  #heardUpMs = Number.NEGATIVE_INFINITY;

  /** Any message of the terminal. @param upMs when it came, on the monotonic clock */
  heard(upMs: number): void {
    if (upMs - this.#heardUpMs > PRESSED_ANEW_AFTER_MS) this.#bits &= ~SOS;
    this.#heardUpMs = upMs;
  }

  /**
   * @param fixAtMs the terminal's own UTC, ms; undefined where it cannot be trusted: then the report is the newest
   * @returns the position, then an emergency, then alarms that began or ended
   */
  take(location: Location, fixAtMs: number | undefined): TimelessReading[] {
    const { position, alarmBits } = location;
    const isOlder = fixAtMs !== undefined && fixAtMs < this.#newestMs;
    const before = isOlder ? this.#keptBits : this.#bits;
    const raised = alarmBits & ~before & (isOlder ? ~this.#bits | SOS : ~0);
    const ended = isOlder ? 0 : before & ~alarmBits;
    this.#keptBits = isOlder ? alarmBits : 0;
    if (!isOlder) this.#bits = alarmBits;
    this.#newestMs = Math.max(this.#newestMs, fixAtMs ?? Number.NEGATIVE_INFINITY);
    const readings: TimelessReading[] = [];
    if (position !== undefined) {
      readings.push({ kind: "position", ...position, ...(fixAtMs !== undefined && { fixAtMs }) });
    }
    if (hasBit(raised, SOS_BIT))
      readings.push({ kind: "message", type: "emergency", ...(position && { position: place(position) }) });
    for (const { bit, name } of (raised | ended) === 0 ? [] : ALARM_BITS) {
      if (!hasBit(raised | ended, bit)) continue;
      const text = hasBit(raised, bit) ? name : `${name} ended`;
      readings.push({ kind: "message", type: "status", statusCode: bit, text });
    }
    return readings;
  }
}

/** What of a report holds whenever it was: that somebody called for help, not where. */
export function callOf({ alarmBits }: Location): TimelessReading[] {
  return hasBit(alarmBits, SOS_BIT) ? [{ kind: "message", type: "emergency" }] : [];
}

function place({ latitudeDeg, longitudeDeg }: NonNullable<Location["position"]>) {
  return { latitudeDeg, longitudeDeg };
}
