import { URGENT_WINDOW_BYTES, WINDOW_BYTES, WINDOW_RECORDS } from "../../protocol/limits.ts";
import type { Flight } from "./flight.ts";
import { type LaneThree, NO_LANE_THREE } from "./lane-three.ts";
import type { LinkRate } from "./link-rate.ts";
import type { Turn } from "./wanted.ts";

export const BULK: readonly Turn[] = ["live", "backlog"];
export const URGENT: readonly Turn[] = ["alarm", "urgent"];
/** Of the window's 200 records, what lanes 0 and 1 keep for themselves. */
const URGENT_RECORDS = 20;
const MAX_MESSAGE_BYTES = 32 * 1024;
const URGENT_MESSAGE_BYTES = 4 * 1024;
const LANE_1_SHARE = 0.05;
const LANE_1_BURST_BYTES = URGENT_WINDOW_BYTES / 2;

/** How much may go now, in each turn: the window that waits for receipts, and the line's rate. */
export class Pace {
  readonly #flight: Flight;
  readonly #rate: LinkRate;
  readonly #laneThree: LaneThree;
  #laneOneBytes = LANE_1_BURST_BYTES;
  #laneOneAtMs = 0;

  constructor(flight: Flight, rate: LinkRate, laneThree: LaneThree = NO_LANE_THREE) {
    this.#flight = flight;
    this.#rate = rate;
    this.#laneThree = laneThree;
  }

  /** An empty window admits one message, whatever its size. */
  hasRoom(turn: Turn): boolean {
    if (this.recordRoom(turn) < 1) return false;
    const neighbours = BULK.includes(turn) ? BULK : [turn];
    if (this.#byteRoom(turn) <= 0 && this.#flight.bytes(neighbours) > 0) return false;
    if (URGENT.includes(turn)) return true;
    if (turn === "backlog" && this.#laneThree.isWaiting) return false;
    return this.#wireRoom() > 0;
  }

  /** Largest message of lane 3 that the line takes now; 0 when it takes none. */
  get laneThreeBytes(): number {
    return this.#wireRoom();
  }

  recordRoom(turn: Turn): number {
    if (URGENT.includes(turn)) return WINDOW_RECORDS - this.#flight.records;
    return WINDOW_RECORDS - URGENT_RECORDS - this.#flight.recordsOf(BULK);
  }

  /** Largest packet. A record that is larger goes alone. */
  messageBytes(turn: Turn): number {
    return URGENT.includes(turn) ? URGENT_MESSAGE_BYTES : Math.min(MAX_MESSAGE_BYTES, this.#rate.bytesPerS * 0.25);
  }

  /** @param packing packet bytes for one stored byte, as it was of late */
  readBytes(turn: Turn, packing: number): number {
    return Math.max(1, Math.floor(Math.min(this.messageBytes(turn) / packing, this.#byteRoom(turn))));
  }

  /** Lane 1 takes at most a twentieth of the rate while other rows wait. @returns 0 when it may go now */
  laneOneWaitMs(nowMs: number): number {
    const perMs = (this.#rate.bytesPerS * LANE_1_SHARE) / 1000;
    const earned = Math.max(0, nowMs - this.#laneOneAtMs) * perMs;
    this.#laneOneBytes = Math.min(LANE_1_BURST_BYTES, this.#laneOneBytes + earned);
    this.#laneOneAtMs = nowMs;
    return this.#laneOneBytes > 0 ? 0 : Math.ceil(-this.#laneOneBytes / perMs) + 1;
  }

  spendLaneOne(bytes: number): void {
    this.#laneOneBytes = Math.max(-LANE_1_BURST_BYTES, this.#laneOneBytes - bytes);
  }

  /** Lanes 2 to 4 together keep half a second of the line busy; an empty line admits one message. */
  #wireRoom(): number {
    const onWire = this.#flight.wireBytes(BULK) + this.#laneThree.wireBytes;
    const messageBytes = this.messageBytes("backlog");
    return onWire === 0 || onWire + messageBytes <= this.#rate.bytesPerS * 0.5 ? messageBytes : 0;
  }

  #byteRoom(turn: Turn): number {
    if (turn === "alarm") return URGENT_WINDOW_BYTES - this.#flight.bytes(URGENT);
    if (turn === "urgent") return URGENT_WINDOW_BYTES / 2 - this.#flight.bytes(["urgent"]);
    return WINDOW_BYTES - URGENT_WINDOW_BYTES - this.#flight.bytes(BULK);
  }
}
