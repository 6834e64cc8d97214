import { URGENT_WINDOW_BYTES, WINDOW_BYTES, WINDOW_RECORDS } from "../../protocol/limits.ts";
import type { Flight } from "./flight.ts";
import type { LaneThree } from "./lane-three.ts";
import type { LinkRate } from "./link-rate.ts";
import { TokenBucket } from "./token-bucket.ts";
import type { Turn } from "./wanted.ts";

/** Everything that takes turns on the line: rows, and the files of lane 3. */
export type LineTurn = Turn | "chunk";

export const BULK: readonly Turn[] = ["live", "backlog"];
export const URGENT: readonly Turn[] = ["alarm", "urgent"];

/**
 * What a day's budget of bytes leaves: `all`; `live`: no files and no backlog any more; `urgent`: alarms and the node's own
 * state, which nothing ever holds back.
 */
export type Ration = "all" | "live" | "urgent";

/** Of the window's 200 records, what lanes 0 and 1 keep for themselves. */
const URGENT_RECORDS = 20;
const MAX_MESSAGE_BYTES = 32 * 1024;
const URGENT_MESSAGE_BYTES = 4 * 1024;
const MESSAGE_S = 0.25;
const ON_WIRE_S = 0.5;
const LANE_1_SHARE = 0.05;
const LANE_1_BURST_BYTES = URGENT_WINDOW_BYTES / 2;
/** Fixed header, topic and packet number of MQTT, and a TLS 1.3 record around them; the socket's own count corrects it. */
export const PACKET_OVERHEAD_BYTES = 50;

/**
 * How much may go now, in each turn: the window that waits for receipts, and the line's rate. All that the node sends is
 * spent of one bucket, at most half a second deep, and lanes 2 to 4 go only on what it holds. Lanes 0 and 1 have 8 KiB of
 * credit of their own, earned back at the same rate, so that they never stand behind what bulk has spent, and bulk pays for
 * them.
 */
export class Pace {
  readonly #flight: Flight;
  readonly #rate: LinkRate;
  readonly #laneThree: LaneThree;
  readonly #line: TokenBucket;
  readonly #credit: TokenBucket;
  readonly #laneOne: TokenBucket;
  ration: Ration = "all";
  #spentBytes = 0;
  #socketBytes = 0;

  constructor(flight: Flight, rate: LinkRate, laneThree: LaneThree) {
    this.#flight = flight;
    this.#rate = rate;
    this.#laneThree = laneThree;
    const bytesPerS = () => rate.bytesPerS;
    this.#line = new TokenBucket(bytesPerS, () => rate.bytesPerS * ON_WIRE_S);
    this.#credit = new TokenBucket(bytesPerS, () => URGENT_WINDOW_BYTES);
    this.#laneOne = new TokenBucket(
      () => rate.bytesPerS * LANE_1_SHARE,
      () => LANE_1_BURST_BYTES,
    );
  }

  /** Whether the windows admit a message; an empty one admits it whatever its size. */
  hasRoom(turn: LineTurn): boolean {
    if (this.#isRationed(turn)) return false;
    if (turn !== "chunk" && this.recordRoom(turn) < 1) return false;
    if (turn !== "chunk" && this.#byteRoom(turn) <= 0) {
      if (this.#flight.bytes(isUrgent(turn) ? [turn] : BULK) > 0) return false;
    }
    if (turn === "backlog" && this.#laneThree.isWaiting) return false;
    return isUrgent(turn) || this.#hasWireRoom;
  }

  /** How long the line's rate still forbids a message of this turn. `isAlone`: nothing of lanes 2 to 4 waits or is on its way. */
  waitMs(turn: LineTurn, nowMs: number, isAlone: boolean): number {
    if (!isUrgent(turn)) return this.#line.waitMs(this.messageBytes(turn), nowMs);
    const creditMs = this.#credit.waitMs(1, nowMs);
    return turn === "alarm" || isAlone ? creditMs : Math.max(creditMs, this.#laneOne.waitMs(1, nowMs));
  }

  /** Lanes 2 to 4 use all that the rate allows: only then does an undelayed answer mean that the line carries more. */
  isUsedUp(nowMs: number): boolean {
    return !this.#hasWireRoom || this.#line.waitMs(this.messageBytes("live"), nowMs) > 0;
  }

  recordRoom(turn: Turn): number {
    if (isUrgent(turn)) return WINDOW_RECORDS - this.#flight.records;
    return WINDOW_RECORDS - URGENT_RECORDS - this.#flight.recordsOf(BULK);
  }

  /** Largest packet. A record that is larger goes alone. */
  messageBytes(turn: LineTurn): number {
    if (isUrgent(turn)) return URGENT_MESSAGE_BYTES;
    return Math.floor(Math.min(MAX_MESSAGE_BYTES, this.#rate.bytesPerS * MESSAGE_S));
  }

  /** @param packing packet bytes for one stored byte, as it was of late */
  readBytes(turn: Turn, packing: number): number {
    return Math.max(1, Math.floor(Math.min(this.messageBytes(turn) / packing, this.#byteRoom(turn))));
  }

  /** A packet of so many bytes is handed to the socket. `turn` is undefined for a hello, which all else waits for. */
  spend(turn: LineTurn | undefined, packetBytes: number, nowMs: number): void {
    const bytes = packetBytes + PACKET_OVERHEAD_BYTES;
    this.#spentBytes += bytes;
    this.#line.spend(bytes, nowMs);
    if (turn === "alarm" || turn === "urgent") this.#credit.spend(bytes, nowMs);
    if (turn === "urgent") this.#laneOne.spend(bytes, nowMs);
  }

  /** The socket has carried so many bytes in this session, TLS, acknowledgements, pings and live streams included. */
  carried(socketBytes: number, nowMs: number): void {
    this.#line.spend(socketBytes - this.#socketBytes - this.#spentBytes, nowMs);
    this.#socketBytes = socketBytes;
    this.#spentBytes = 0;
  }

  newSession(): void {
    this.#socketBytes = 0;
    this.#spentBytes = 0;
  }

  get #hasWireRoom(): boolean {
    const onWire = this.#flight.wireBytes(BULK) + this.#laneThree.wireBytes;
    return onWire === 0 || onWire + this.messageBytes("live") <= this.#rate.bytesPerS * ON_WIRE_S;
  }

  #isRationed(turn: LineTurn): boolean {
    if (turn === "live") return this.ration === "urgent";
    return (turn === "chunk" || turn === "backlog") && this.ration !== "all";
  }

  #byteRoom(turn: Turn): number {
    if (turn === "alarm") return URGENT_WINDOW_BYTES - this.#flight.bytes(URGENT);
    if (turn === "urgent") return URGENT_WINDOW_BYTES / 2 - this.#flight.bytes(["urgent"]);
    return WINDOW_BYTES - URGENT_WINDOW_BYTES - this.#flight.bytes(BULK);
  }
}

function isUrgent(turn: LineTurn): turn is "alarm" | "urgent" {
  return turn === "alarm" || turn === "urgent";
}
