import type { FixKind } from "../../protocol/bodies.ts";
import type { SentenceFacts } from "./decode.ts";

/** All that the sentences of one epoch say together. */
export interface Epoch {
  /** Without a fix there is no position. */
  readonly position?: {
    readonly latitudeDeg: number;
    readonly longitudeDeg: number;
    readonly altitudeM?: number;
    readonly speedMps?: number;
    readonly bearingDeg?: number;
    readonly fix: FixKind;
    readonly accuracyM?: number;
  };
  /** UTC of the fix, where a full date was given. */
  readonly utcMs?: number;
}

const DAY_MS = 86_400_000;
/** Course and speed below this are the receiver's noise. */
const STANDING_MPS = 1;

/**
 * Gathers sentences into epochs: those with the same time of day belong together, those without a time to the one that
 * is open. One sentence that denies the fix is enough for there to be none.
 */
export class EpochAssembler {
  #facts: SentenceFacts[] = [];
  readonly #senders = new Set<string>();
  #timeOfDayMs: number | undefined;
  /** The last full date and its time of day, for receivers that give it once in a while only. */
  #date: { readonly midnightMs: number; readonly timeOfDayMs: number } | undefined;

  get isOpen(): boolean {
    return this.#facts.length > 0;
  }

  /**
   * @param sender talker and type: the same sentence again, with a time, is of the next epoch even where the clock stands
   * @returns the epoch that this sentence closes
   */
  add(facts: SentenceFacts, sender: string): Epoch | undefined {
    // ZDA tells the clock, not the fix: its time may differ by some hundredths.
    const isClock = facts.date?.hasCentury === true;
    const isTimed = facts.timeOfDayMs !== undefined && this.#timeOfDayMs !== undefined;
    const isNext = isTimed && ((facts.timeOfDayMs !== this.#timeOfDayMs && !isClock) || this.#senders.has(sender));
    const closed = isNext ? this.close() : undefined;
    this.#senders.add(sender);
    this.#facts.push(facts);
    this.#timeOfDayMs ??= facts.timeOfDayMs;
    return closed;
  }

  /** Closes the open epoch, e.g. because the line went quiet. */
  close(): Epoch | undefined {
    const facts = this.#facts;
    const timeOfDayMs = this.#timeOfDayMs;
    this.#facts = [];
    this.#senders.clear();
    this.#timeOfDayMs = undefined;
    if (facts.length === 0) return undefined;
    const position = positionOf(facts);
    const utcMs = timeOfDayMs === undefined ? undefined : this.#utc(facts, timeOfDayMs);
    return { ...(position && { position }), ...(utcMs !== undefined && { utcMs }) };
  }

  #utc(facts: readonly SentenceFacts[], timeOfDayMs: number): number | undefined {
    const dates = facts.flatMap(({ date }) => date ?? []);
    const date = dates.find(({ hasCentury }) => hasCentury) ?? dates[0];
    if (date !== undefined) {
      this.#date = { midnightMs: Date.UTC(date.year, date.month - 1, date.day), timeOfDayMs };
    } else if (this.#date !== undefined) {
      const isPastMidnight = timeOfDayMs < this.#date.timeOfDayMs;
      this.#date = { midnightMs: this.#date.midnightMs + (isPastMidnight ? DAY_MS : 0), timeOfDayMs };
    }
    return this.#date === undefined ? undefined : this.#date.midnightMs + timeOfDayMs;
  }
}

function positionOf(facts: readonly SentenceFacts[]): Epoch["position"] {
  const fixes = facts.flatMap(({ fix }) => fix ?? []);
  if (fixes.length === 0 || fixes.includes("none")) return undefined;
  const place = facts.find(({ latitudeDeg, longitudeDeg }) => latitudeDeg !== undefined && longitudeDeg !== undefined);
  if (place?.latitudeDeg === undefined || place.longitudeDeg === undefined) return undefined;
  const speedMps = last(facts, "speedMps");
  const bearingDeg = last(facts, "bearingDeg");
  const altitudeM = last(facts, "altitudeM");
  const accuracyM = last(facts, "accuracyM");
  const isMoving = speedMps !== undefined && speedMps >= STANDING_MPS;
  return {
    latitudeDeg: place.latitudeDeg,
    longitudeDeg: place.longitudeDeg,
    ...(altitudeM !== undefined && { altitudeM }),
    ...(speedMps !== undefined && { speedMps }),
    ...(bearingDeg !== undefined && isMoving && { bearingDeg }),
    fix: worst(fixes.filter((fix) => fix !== "none")),
    ...(accuracyM !== undefined && { accuracyM }),
  };
}

/** GGA tells dgnss and rtk apart where an old RMC only says "valid"; dead reckoning is believed from either. */
function worst(fixes: readonly FixKind[]): FixKind {
  if (fixes.includes("estimated")) return "estimated";
  return fixes.find((fix) => fix === "rtk") ?? fixes.find((fix) => fix === "dgnss") ?? "gnss";
}

function last<K extends "speedMps" | "bearingDeg" | "altitudeM" | "accuracyM">(
  facts: readonly SentenceFacts[],
  key: K,
): number | undefined {
  return facts.findLast((one) => one[key] !== undefined)?.[key];
}
