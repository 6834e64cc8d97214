import type { EncodedRequest } from "./modbus-codec.ts";
import type { ReplyShape } from "./reply-shape.ts";

/** Why nothing was accepted, when the time is up. */
export type Refusal = "silence" | "crc" | "unexpected";

export interface FramingCounters {
  /** Bytes that belonged to no accepted answer. */
  droppedBytes: number;
  /** Whole answers, good in themselves, to requests that had been given up. */
  lateReplies: number;
}

/**
 * Decides which bytes may become an answer: unit, function, length, CRC (or transaction id) must be those of the one
 * request that is pending. Everything else is dropped and counted.
 */
export interface Framing {
  readonly counters: FramingCounters;
  /** Whether an answer names its request, so that a late one cannot be mistaken. */
  readonly namesRequest: boolean;
  /** Begins to expect the answer of `request`. @returns the bytes to send */
  begin(request: EncodedRequest): Uint8Array;
  /** Takes what came. @returns the answer in RTU form once it is whole */
  receive(chunk: Uint8Array): Uint8Array | undefined;
  /** Gives the pending request up. @returns what was seen instead of its answer */
  abandon(): Refusal;
  /** The stream can no longer be followed; only a new connection helps. */
  readonly isLost: boolean;
  /** Called with each late reply to a request that was given up. */
  onLate: ((shape: ReplyShape) => void) | undefined;
  /** Forgets all that was received: the connection is a new one. */
  restart(): void;
}
