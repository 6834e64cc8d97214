import { addRange, contains, intersect, NO_RANGES, type Ranges, subtract, union } from "../../protocol/ranges.ts";
import type { Lane } from "../../protocol/record.ts";
import type { Have } from "../../protocol/session.ts";
import type { RunSummary, StoredRecord } from "../contracts/journal.ts";

/**
 * In which turn rows are read. `alarm` and `urgent` are lanes 0 and 1 of whatever age, oldest first; `live` is what this
 * session wrote of lane 2, `backlog` what was there before it, and older health.
 */
export type Turn = "alarm" | "urgent" | "live" | "backlog";
export const TURNS: readonly Turn[] = ["alarm", "urgent", "live", "backlog"];

/** Lane 4 in the journal is older health, which a newer one has overtaken. */
const LANES: Readonly<Record<Turn, readonly Lane[]>> = { alarm: [0], urgent: [1], live: [2], backlog: [2, 4] };
const TURN_OF: Readonly<Record<Lane, Turn>> = { 0: "alarm", 1: "urgent", 2: "live", 3: "live", 4: "backlog" };

/** Ranges over all runs that are remembered; what does not fit waits for the next hello. */
export const MAX_WANTED_RANGES = 50_000;

/** What the bridge wants of one run and has not been sent. */
export class WantedRun {
  readonly run: string;
  /** Rows from here on belong to this session. */
  readonly liveFrom: number;
  /** What the bridge holds as declared: such a row is sent all the same, and not declared again. */
  readonly declared: Ranges;
  #wanted: Ranges;
  readonly #drained = new Set<Turn>();
  readonly #singles = new Set<number>();

  constructor(run: string, liveFrom: number, wanted: Ranges, declared: Ranges) {
    this.run = run;
    this.liveFrom = liveFrom;
    this.declared = declared;
    this.#wanted = wanted;
  }

  get ranges(): number {
    return this.#wanted.length;
  }

  /** What to read next in this turn; undefined when nothing is there. */
  ask(turn: Turn): { readonly ranges: Ranges; readonly lanes: readonly Lane[] } | undefined {
    if (this.#drained.has(turn)) return undefined;
    const ranges = turn === "live" ? intersect(this.#wanted, [[this.liveFrom, Number.MAX_SAFE_INTEGER]]) : this.#wanted;
    return ranges.length === 0 ? undefined : { ranges, lanes: LANES[turn] };
  }

  wants(seq: number): boolean {
    return contains(this.#wanted, seq);
  }

  /**
   * The journal has nothing more for this turn. Of what was wanted in lane 1, older health may meanwhile have moved to lane
   * 4, where nobody would look again: so an empty lane 1 opens the turn that reads lane 4. What waits in lane 1 and is
   * wanted keeps that turn open, so that every move is followed by such an end.
   */
  drain(turn: Turn): void {
    this.#drained.add(turn);
    if (turn === "urgent") this.#drained.delete("backlog");
  }

  isDrained(turn: Turn): boolean {
    return this.ask(turn) === undefined;
  }

  take(seqs: Ranges): void {
    this.#wanted = subtract(this.#wanted, seqs);
  }

  /** New rows, or rows that must go once more. */
  add(rows: readonly StoredRecord[]): void {
    for (const { seq, lane } of rows) {
      this.#wanted = addRange(this.#wanted, seq);
      const turn = TURN_OF[lane];
      this.#drained.delete(turn);
      if (turn === "live" && seq < this.liveFrom) this.#drained.delete("backlog");
    }
  }

  /** The envelope that held them could not be opened: each goes alone from now on. */
  addSingly(rows: readonly StoredRecord[]): void {
    for (const { seq } of rows) this.#singles.add(seq);
    this.add(rows);
  }

  /** The longest beginning of `rows` that may go as one envelope. */
  together(rows: readonly StoredRecord[]): readonly StoredRecord[] {
    const first = rows.findIndex(({ seq }) => this.#singles.has(seq));
    if (first < 0) return rows;
    return rows.slice(0, Math.max(1, first));
  }

  settle(seqs: Ranges): void {
    this.take(seqs);
    for (const seq of this.#singles) if (contains(seqs, seq)) this.#singles.delete(seq);
  }
}

/** What one entry of a `have` page means for a node. */
export interface Asked {
  /** Send what of these is held. */
  readonly wanted: Ranges;
  /** Declare what of these is not held. */
  readonly due: Ranges;
  /** The bridge has these. */
  readonly stored: Ranges;
  readonly declared: Ranges;
}

/**
 * @param head newest committed seq of the running run, which may be beyond what the hello said and beyond which nothing is
 * lacking yet; undefined for an ended run
 */
export function askedOf(entry: Have["runs"][number], summary: RunSummary, head: number | undefined): Asked {
  const { through, missing, declared } = entry;
  const first = (last: number): Ranges => addRange(NO_RANGES, 1, last);
  const known = first(head ?? Math.max(through, summary.head));
  return {
    wanted: intersect(union(union(missing, declared), addRange(NO_RANGES, through + 1, head ?? summary.head)), known),
    due: intersect(union(missing, addRange(NO_RANGES, through + 1, summary.head)), known),
    stored: intersect(subtract(subtract(first(through), missing), declared), known),
    declared,
  };
}
