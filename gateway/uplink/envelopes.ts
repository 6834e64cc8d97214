import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { intersect, NO_RANGES, type Ranges, rangesOfSeqs } from "../../protocol/ranges.ts";
import type { StoredRecord } from "../contracts/journal.ts";
import { type Flown, firstFlight } from "./flight.ts";
import type { Line } from "./next-turn.ts";
import { URGENT } from "./pace.ts";
import { Packer, type PackHeader } from "./packer.ts";
import type { SenderCommand } from "./sender-types.ts";
import type { Turn, WantedRun } from "./wanted.ts";

/** Makes envelopes of rows and puts them on the line: into the flight, and off the rate. */
export class Envelopes {
  readonly #run: string;
  readonly #line: Line;
  readonly #packer: Packer;
  #numbers = 0;
  #oldRows: ReadonlyMap<string, Ranges> = new Map();
  /** Newest committed seq of the running run. */
  head = 0;
  version = PROTOCOL_VERSION;

  constructor(run: string, line: Line, compress?: boolean) {
    this.#run = run;
    this.#line = line;
    this.#packer = new Packer(compress);
  }

  get packer(): Packer {
    return this.#packer;
  }

  /** These went before and may have arrived: no round trip can be told of what holds them. */
  wentBefore(rows: ReadonlyMap<string, Ranges>): void {
    if (rows.size > 0) this.#oldRows = rows;
  }

  /** A message holds at least one record, and of what goes singly only one. */
  send(wanted: WantedRun, turn: Turn, rows: readonly StoredRecord[], wireLimit: number, nowMs: number): SenderCommand {
    const { flight, pace } = this.#line;
    const together = wanted.together(rows).slice(0, Math.max(1, pace.recordRoom(turn)));
    const packed = this.#packer.fit(this.#header(wanted.run, nowMs), together, wireLimit);
    pace.spend(turn, packed.bytes.length, nowMs);
    const seqs = rangesOfSeqs(packed.rows.map(({ seq }) => seq));
    wanted.take(seqs);
    this.#numbers += 1;
    const hasOldRows = intersect(this.#oldRows.get(wanted.run) ?? NO_RANGES, seqs).length > 0;
    const flown = firstFlight({ id: this.#numbers, run: wanted.run, turn, hasOldRows, sentAtMs: nowMs }, packed);
    flight.add(flown);
    flown.wasUsedUp = pace.isUsedUp(nowMs);
    return publish(flown, packed.bytes);
  }

  sendAgain(flown: Flown, nowMs: number): SenderCommand {
    const bytes = this.#packer.pack(this.#header(flown.run, nowMs), flown.rows);
    this.#line.pace.spend(flown.turn, bytes.length, nowMs);
    this.#line.flight.again(flown, nowMs, bytes);
    return publish(flown, bytes);
  }

  #header(run: string, nowMs: number): PackHeader {
    const { head, version: v } = this;
    if (run !== this.#run) return { v, run, head: this.#line.wanted.summary(run)?.head ?? 0 };
    return { v, run, head, upMs: Math.max(0, Math.floor(nowMs)) };
  }
}

function publish({ id, run, rows, turn }: Flown, bytes: Uint8Array): SenderCommand {
  const seqs = rangesOfSeqs(rows.map(({ seq }) => seq));
  return { type: "publish", envelope: id, run, seqs, urgent: URGENT.includes(turn), bytes };
}
