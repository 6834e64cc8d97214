import type { Ranges } from "../../protocol/ranges.ts";
import type { Lane } from "../../protocol/record.ts";
import type { Flight } from "./flight.ts";
import type { LaneThree } from "./lane-three.ts";
import { BULK, type LineTurn, type Pace } from "./pace.ts";
import type { PendingRead, SenderCommand } from "./sender-types.ts";
import type { Turn } from "./wanted.ts";
import type { WantedRuns } from "./wanted-runs.ts";

/** Lanes 0, 1, 2, 3, 4. */
const ORDER: readonly LineTurn[] = ["alarm", "urgent", "live", "chunk", "backlog"];

export interface Line {
  readonly flight: Flight;
  readonly laneThree: LaneThree;
  readonly pace: Pace;
  readonly wanted: WantedRuns;
}

/** Whose turn it is on the line. One read at a time: the answer brings the next turn. */
export class NextTurn {
  readonly #line: Line;
  #reads = 0;
  pending: PendingRead | undefined;
  /** When the rate will admit what now waits for it. */
  dueAtMs: number | undefined;

  constructor(line: Line) {
    this.#line = line;
  }

  /** @param packing packet bytes for one stored byte, as it was of late */
  next(nowMs: number, packing: number): SenderCommand | undefined {
    const { flight, pace, wanted } = this.#line;
    this.dueAtMs = undefined;
    if (this.pending !== undefined) return undefined;
    for (const turn of ORDER) {
      if (turn !== "alarm" && flight.isStalled) return undefined;
      if (!pace.hasRoom(turn)) continue;
      const ask = turn === "chunk" ? undefined : wanted.ask(turn);
      if (ask === undefined && !(turn === "chunk" && this.#line.laneThree.isWaiting)) continue;
      const waitMs = pace.waitMs(turn, nowMs, !this.#hasBulk());
      if (waitMs > 0) this.dueAtMs = Math.min(this.dueAtMs ?? Number.POSITIVE_INFINITY, nowMs + waitMs);
      else if (turn !== "chunk" && ask !== undefined) return this.#read(turn, ask, packing);
    }
    return undefined;
  }

  /** Largest message of lane 3 that may go now. */
  laneThreeBytes(nowMs: number): number {
    const { flight, pace, wanted } = this.#line;
    if (flight.isStalled || !pace.hasRoom("chunk") || pace.waitMs("chunk", nowMs, false) > 0) return 0;
    const isAhead = this.pending === undefined ? wanted.hasAny(["live"]) : this.pending.turn !== "backlog";
    return isAhead && pace.hasRoom("live") ? 0 : pace.messageBytes("chunk");
  }

  #hasBulk(): boolean {
    const { flight, laneThree, wanted } = this.#line;
    return flight.recordsOf(BULK) > 0 || laneThree.isWaiting || laneThree.wireBytes > 0 || wanted.hasAny(BULK);
  }

  #read(
    turn: Turn,
    { run, ranges, lanes }: { readonly run: string; readonly ranges: Ranges; readonly lanes: readonly Lane[] },
    packing: number,
  ): SenderCommand {
    const { pace } = this.#line;
    this.#reads += 1;
    this.pending = { read: this.#reads, run, turn, wireLimit: pace.messageBytes(turn), isOutdated: false };
    const maxRecords = pace.recordRoom(turn);
    return {
      type: "read",
      read: this.#reads,
      run,
      ranges,
      lanes,
      maxRecords,
      maxBytes: pace.readBytes(turn, packing),
    };
  }
}
