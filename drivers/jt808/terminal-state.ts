import type { MessageReading, PositionReading } from "../driver.ts";
import { ALARM_BITS, hasBit, SOS_BIT } from "./alarm-bits.ts";
import type { Location } from "./location.ts";

/** What a report says, before its reader gives it a time. */
export type TimelessReading = Omit<PositionReading, "atMs"> | Omit<MessageReading, "atMs">;

/**
 * A bit of the alarm word stays set from report to report: only its changes are news. A report that is older than one
 * which was heard before it (kept by the terminal while it had no network) may say what nobody knew, and ends nothing.
 */
export class TerminalState {
  #bits = 0;
  #keptBits = 0;
  #newestMs = Number.NEGATIVE_INFINITY;

  /**
   * @param fixAtMs the terminal's own UTC, ms; undefined where it cannot be trusted: then the report is the newest
   * @returns the position, then an emergency, then alarms that began or ended
   */
  take(location: Location, fixAtMs: number | undefined): TimelessReading[] {
    const { position, alarmBits } = location;
    const isOlder = fixAtMs !== undefined && fixAtMs < this.#newestMs;
    const before = isOlder ? this.#keptBits : this.#bits;
    const raised = alarmBits & ~before & (isOlder ? ~this.#bits : ~0);
    const ended = isOlder ? 0 : before & ~alarmBits;
    if (isOlder) this.#keptBits = alarmBits;
    else this.#bits = alarmBits;
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

function place({ latitudeDeg, longitudeDeg }: NonNullable<Location["position"]>) {
  return { latitudeDeg, longitudeDeg };
}
