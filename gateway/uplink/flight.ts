import { sha256Of } from "../../protocol/envelope.ts";
import { namesDictionary } from "../../protocol/packing.ts";
import { contains, type Ranges, rangesOfSeqs } from "../../protocol/ranges.ts";
import type { StoredRecord } from "../contracts/journal.ts";
import type { Turn } from "./wanted.ts";

const MIN_WAIT_MS = 5_000;
const MAX_WAIT_MS = 60_000;
const REMEMBERED_HASHES = 4;
export const MAX_PROBES = 3;

/** An envelope that has no receipt yet. Its rows are kept, so that it can go again without a read. */
export interface Flown {
  readonly id: number;
  readonly run: string;
  readonly turn: Turn;
  /** What of it has no receipt. */
  rows: readonly StoredRecord[];
  wireBytes: number;
  sentAtMs: number;
  sends: number;
  /** At its last sending it held one record, packed as every version of the bridge can open it. */
  wasAlone: boolean;
  /** Some of its rows went before, in another envelope. */
  readonly hasOldRows: boolean;
  /** Of the packets that carried it, newest last. */
  hashes: readonly string[];
  isOnWire: boolean;
  /** When it went, the rate allowed no more. */
  wasUsedUp: boolean;
  /** A later one has a receipt. */
  isPassed: boolean;
}

/** An envelope that goes for the first time, as it was packed. */
export function firstFlight(
  about: Pick<Flown, "id" | "run" | "turn" | "hasOldRows" | "sentAtMs">,
  { rows, bytes }: { readonly rows: readonly StoredRecord[]; readonly bytes: Uint8Array },
): Flown {
  return {
    ...about,
    rows,
    wireBytes: bytes.length,
    sends: 1,
    wasAlone: rows.length === 1 && !namesDictionary(bytes),
    hashes: [sha256Of(bytes)],
    isOnWire: true,
    wasUsedUp: false,
    isPassed: false,
  };
}

/** Everything that is on its way, in the order of sending, and what its receipts say about the line. */
export class Flight {
  #flown: Flown[] = [];
  #roundTripMs: number | undefined;
  #quietSinceMs = 0;
  #probes = 0;

  get flown(): readonly Flown[] {
    return this.#flown;
  }

  holds(run: string, seq: number): boolean {
    return this.#flown.some((flown) => flown.run === run && flown.rows.some((row) => row.seq === seq));
  }

  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** Receipts stay away: only the oldest envelope and new alarms may go. */
  get isStalled(): boolean {
    return this.#probes > 0;
  }

  get probes(): number {
    return this.#probes;
  }

  /** How long silence is waited out. */
  get patienceMs(): number {
    return Math.max(MIN_WAIT_MS, 4 * (this.#roundTripMs ?? 0));
  }

  get records(): number {
    return this.#flown.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /** Stored bytes without a receipt. */
  bytes(turns: readonly Turn[]): number {
    return this.#flown
      .filter(({ turn }) => turns.includes(turn))
      .reduce((sum, { rows }) => sum + rows.reduce((bytes, row) => bytes + row.bytes.length, 0), 0);
  }

  recordsOf(turns: readonly Turn[]): number {
    return this.#flown.filter(({ turn }) => turns.includes(turn)).reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /** Packet bytes that not even the broker has taken. */
  wireBytes(turns: readonly Turn[]): number {
    return this.#flown
      .filter(({ turn, isOnWire }) => isOnWire && turns.includes(turn))
      .reduce((sum, { wireBytes }) => sum + wireBytes, 0);
  }

  add(flown: Flown): void {
    if (this.#flown.length === 0) this.#quietSinceMs = flown.sentAtMs;
    this.#flown.push(flown);
  }

  /** The same envelope has gone once more: it is the youngest now, unless it only probes. */
  again(flown: Flown, nowMs: number, bytes: Uint8Array): void {
    flown.sentAtMs = nowMs;
    flown.sends += 1;
    flown.wasAlone = flown.rows.length === 1 && !namesDictionary(bytes);
    flown.wireBytes = bytes.length;
    flown.isOnWire = true;
    flown.isPassed = false;
    flown.hashes = [...flown.hashes, sha256Of(bytes)].slice(-REMEMBERED_HASHES);
    if (!this.isStalled) this.#flown = [...this.#flown.filter((other) => other !== flown), flown];
  }

  /** @returns the envelope, when it went once and this is the first word of it */
  landOnBroker(id: number): Flown | undefined {
    const found = this.#flown.find((flown) => flown.id === id);
    if (found === undefined || !found.isOnWire) return undefined;
    found.isOnWire = false;
    return found.sends === 1 ? found : undefined;
  }

  /**
   * Round trips count of envelopes that went once and came back whole.
   * @returns of those, the ones whose receipt came before the broker's own word
   */
  receipt(run: string, seqs: Ranges, nowMs: number): readonly Flown[] {
    const once: Flown[] = [];
    let youngest = -1;
    this.#flown.forEach((flown, index) => {
      if (flown.run !== run) return;
      const left = flown.rows.filter(({ seq }) => !contains(seqs, seq));
      if (left.length === flown.rows.length) return;
      flown.rows = left;
      youngest = index;
      if (left.length === 0 && flown.sends === 1 && !flown.hasOldRows) once.push(flown);
    });
    this.#flown.forEach((flown, index) => {
      if (index < youngest) flown.isPassed = true;
    });
    this.#flown = this.#flown.filter(({ rows }) => rows.length > 0);
    this.#quietSinceMs = nowMs;
    this.#probes = 0;
    for (const { sentAtMs } of once) {
      const sample = nowMs - sentAtMs;
      this.#roundTripMs =
        this.#roundTripMs === undefined ? sample : this.#roundTripMs + (sample - this.#roundTripMs) / 8;
    }
    return once.filter(({ isOnWire }) => isOnWire);
  }

  /** Takes out the envelope that was sent with these very bytes: the bridge answered it, so it is not silent. */
  remove(sha256: string, nowMs: number): Flown | undefined {
    const found = this.#flown.find(({ hashes }) => hashes.includes(sha256));
    this.#quietSinceMs = nowMs;
    this.#probes = 0;
    if (found !== undefined) this.#flown = this.#flown.filter((flown) => flown !== found);
    return found;
  }

  /** When silence must be answered next; undefined while nothing is on its way. */
  get silenceEndsAtMs(): number | undefined {
    if (this.#flown.length === 0) return undefined;
    return this.#quietSinceMs + Math.min(MAX_WAIT_MS, this.patienceMs * 2 ** this.#probes);
  }

  /** @returns the oldest envelope, to be sent again; undefined when three probes have gone unanswered */
  probe(nowMs: number): Flown | undefined {
    this.#probes += 1;
    this.#quietSinceMs = nowMs;
    return this.#probes > MAX_PROBES ? undefined : this.#flown[0];
  }

  /** Envelopes that later receipts have passed, and when each is due again. */
  get passed(): readonly { readonly flown: Flown; readonly dueAtMs: number }[] {
    return this.#flown
      .filter(({ isPassed }) => isPassed)
      .map((flown) => ({ flown, dueAtMs: flown.sentAtMs + this.patienceMs }));
  }

  /** Forgets everything: a have will say what arrived. @returns what went, by run */
  clear(): ReadonlyMap<string, Ranges> {
    const went = new Map<string, number[]>();
    for (const { run, rows } of this.#flown) {
      went.set(run, [...(went.get(run) ?? []), ...rows.map(({ seq }) => seq)]);
    }
    this.#flown = [];
    this.#probes = 0;
    return new Map([...went].map(([run, seqs]) => [run, rangesOfSeqs(seqs)]));
  }
}
