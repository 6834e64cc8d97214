import type { FixKind } from "../../protocol/bodies.ts";
import type { FixState, SentenceFacts } from "./decode.ts";

/** All that the sentences of one epoch say together. */
export interface Epoch {
  /** Without a fix there is no position. */
  readonly position?: EpochPosition;
  /** Why there is none, where the receiver says so. */
  readonly denied?: Exclude<FixState, FixKind>;
  /** UTC of the fix, where a full date was given. */
  readonly utcMs?: number;
  /** Satellites in view of all constellations, and the strongest signal. */
  readonly view?: { readonly satellites: number; readonly strongestDbHz: number };
}

export interface EpochPosition {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly altitudeM?: number;
  readonly speedMps?: number;
  readonly bearingDeg?: number;
  readonly fix: FixKind;
  readonly accuracyM?: number;
  readonly satellites?: number;
  /** Talker of the sentence that gave the place: GP, BD, GN … */
  readonly source: string;
}

interface Said {
  readonly facts: SentenceFacts;
  readonly talker: string;
  readonly type: string;
}

const DAY_MS = 86_400_000;
/** Some receivers write ZDA before the fix of the second before. */
const MOST_AHEAD_MS = 60_000;
/** Written once an epoch; GSA and GSV come several times. */
const TIMED: ReadonlySet<string> = new Set(["RMC", "GGA", "GNS", "GLL", "ZDA", "GST"]);
/** Course and speed below this are the receiver's noise. */
const STANDING_MPS = 1;
/** No receiver writes so many in one epoch. */
const MOST_SENTENCES = 100;

/**
 * Gathers sentences into epochs: those with the same time of day belong together, those without a time to the one that
 * is open. One sentence that denies the fix is enough for there to be none.
 */
export class EpochAssembler {
  readonly #metresPerHdop: number;
  #said: Said[] = [];
  #timeOfDayMs: number | undefined;
  /** The last full date and its time of day, for receivers that give it once in a while only. */
  #date: { readonly midnightMs: number; readonly timeOfDayMs: number } | undefined;

  /** @param metresPerHdop error for each unit of HDOP, for receivers that do not estimate it themselves */
  constructor(metresPerHdop: number) {
    this.#metresPerHdop = metresPerHdop;
  }

  get isOpen(): boolean {
    return this.#said.length > 0;
  }

  /** @returns the epoch that this sentence closes */
  add(facts: SentenceFacts, talker: string, type: string): Epoch | undefined {
    const closed = this.#isOfNext(facts, talker, type) ? this.close() : undefined;
    // A line that never tells the time must not grow the epoch for ever.
    if (this.#said.length < MOST_SENTENCES) this.#said.push({ facts, talker, type });
    this.#timeOfDayMs ??= facts.timeOfDayMs;
    return closed;
  }

  /** Closes the open epoch, e.g. because the line went quiet. */
  close(): Epoch | undefined {
    const said = this.#said;
    const timeOfDayMs = this.#timeOfDayMs;
    this.#said = [];
    this.#timeOfDayMs = undefined;
    if (said.length === 0) return undefined;
    const states = said.flatMap(({ facts, type }) => (type === "GSA" ? [] : (facts.fix ?? [])));
    const solutions = said.filter(({ type }) => type === "GSA");
    // Of several constellations one may have nothing to say; the solution is denied where all are.
    if (solutions.length > 0 && solutions.every(({ facts }) => facts.fix === "none")) states.push("none");
    const fixes = states.filter((state) => isFix(state));
    const denied = states.find((state) => !isFix(state));
    const position =
      denied === undefined && fixes.length > 0 ? positionOf(said, worst(fixes), this.#metresPerHdop) : undefined;
    const utcMs = timeOfDayMs === undefined ? undefined : this.#utc(said, timeOfDayMs);
    const view = viewOf(said);
    return {
      ...(position && { position }),
      ...(denied !== undefined && { denied }),
      ...(utcMs !== undefined && { utcMs }),
      ...(view && { view }),
    };
  }

  #isOfNext({ timeOfDayMs, date }: SentenceFacts, talker: string, type: string): boolean {
    // The same sentence again is of the next epoch, even where the receiver's clock stands or is not set.
    if (TIMED.has(type) && this.#said.some((one) => one.talker === talker && one.type === type)) return true;
    if (timeOfDayMs === undefined || this.#timeOfDayMs === undefined) return false;
    // ZDA tells the clock, not the fix: its time may differ by some hundredths.
    return timeOfDayMs !== this.#timeOfDayMs && date?.hasCentury !== true;
  }

  #utc(said: readonly Said[], timeOfDayMs: number): number | undefined {
    const dated = said.flatMap(({ facts }) => (facts.date === undefined ? [] : { ...facts, date: facts.date }));
    const told = dated.find(({ date }) => date.hasCentury) ?? dated[0];
    const reference =
      told === undefined
        ? this.#date
        : {
            midnightMs: Date.UTC(told.date.year, told.date.month - 1, told.date.day),
            timeOfDayMs: told.timeOfDayMs ?? timeOfDayMs,
          };
    if (reference === undefined) return undefined;
    const midnightMs = reference.midnightMs + dayStepMs(timeOfDayMs - reference.timeOfDayMs);
    this.#date = { midnightMs, timeOfDayMs };
    return midnightMs + timeOfDayMs;
  }
}

/** Time runs on into the next day; a date that was told up to a minute ahead of its fix may be of the day after it. */
function dayStepMs(sinceDateMs: number): number {
  if (sinceDateMs < -MOST_AHEAD_MS) return DAY_MS;
  return sinceDateMs > DAY_MS - MOST_AHEAD_MS ? -DAY_MS : 0;
}

function positionOf(said: readonly Said[], fix: FixKind, metresPerHdop: number): EpochPosition | undefined {
  const places = said.filter(({ facts }) => facts.latitudeDeg !== undefined && facts.longitudeDeg !== undefined);
  // RMC and GLL are often written with fewer decimals than the fix has.
  const place = places.find(({ type }) => type === "GGA") ?? places.find(({ type }) => type === "GNS") ?? places[0];
  if (place?.facts.latitudeDeg === undefined || place.facts.longitudeDeg === undefined) return undefined;
  const speedMps = last(said, "speedMps");
  const bearingDeg = last(said, "bearingDeg");
  const altitudeM = last(said, "altitudeM");
  const hdop = last(said, "hdop");
  // Dead reckoning has a dilution too, of satellites that it does without.
  const diluted = hdop === undefined || fix === "estimated" ? undefined : Number((hdop * metresPerHdop).toFixed(3));
  const accuracyM = last(said, "errorM") ?? diluted;
  const satellites = satellitesOf(said);
  const isMoving = speedMps !== undefined && speedMps >= STANDING_MPS;
  return {
    latitudeDeg: place.facts.latitudeDeg,
    longitudeDeg: place.facts.longitudeDeg,
    ...(altitudeM !== undefined && { altitudeM }),
    ...(speedMps !== undefined && { speedMps }),
    ...(bearingDeg !== undefined && isMoving && { bearingDeg }),
    fix,
    ...(accuracyM !== undefined && { accuracyM }),
    ...(satellites !== undefined && { satellites }),
    source: place.talker,
  };
}

/** GGA and GNS count those of the whole fix, but GGA often ends at 12; each GSA lists those of one constellation. */
function satellitesOf(said: readonly Said[]): number | undefined {
  const whole = said.flatMap(({ facts, type }) => (type === "GSA" ? [] : (facts.satellites ?? [])));
  const listed = said.reduce((sum, { facts, type }) => sum + (type === "GSA" ? (facts.satellites ?? 0) : 0), 0);
  if (whole.length === 0 && listed === 0) return undefined;
  return Math.max(listed, ...whole);
}

/** Each page of a constellation's sky repeats its count. */
function viewOf(said: readonly Said[]): Epoch["view"] {
  const byTalker = new Map<string, number>();
  let strongestDbHz = 0;
  for (const { facts, talker } of said) {
    if (facts.view === undefined) continue;
    byTalker.set(talker, Math.max(byTalker.get(talker) ?? 0, facts.view.satellites));
    strongestDbHz = Math.max(strongestDbHz, facts.view.strongestDbHz);
  }
  if (byTalker.size === 0) return undefined;
  return { satellites: [...byTalker.values()].reduce((sum, count) => sum + count, 0), strongestDbHz };
}

function isFix(state: FixState): state is FixKind {
  return state === "gnss" || state === "dgnss" || state === "rtk" || state === "estimated";
}

/** GGA tells dgnss and rtk apart where an old RMC only says "valid"; dead reckoning is believed from either. */
function worst(fixes: readonly FixKind[]): FixKind {
  if (fixes.includes("estimated")) return "estimated";
  return fixes.find((fix) => fix === "rtk") ?? fixes.find((fix) => fix === "dgnss") ?? "gnss";
}

function last<K extends "speedMps" | "bearingDeg" | "altitudeM" | "errorM" | "hdop">(
  said: readonly Said[],
  key: K,
): number | undefined {
  return said.findLast(({ facts }) => facts[key] !== undefined)?.facts[key];
}
