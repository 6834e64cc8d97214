import { hasGoodCrc } from "./crc16.ts";
import type { Framing, FramingCounters, Refusal } from "./framing.ts";
import type { EncodedRequest } from "./modbus-codec.ts";
import { matchReply, type ReplyShape, resemblesReply } from "./reply-shape.ts";

/** Longer than any Modbus frame (256): what is older cannot be the beginning of an answer. */
const MAX_BUFFER_BYTES = 1024;
const SHORTEST_FRAME_BYTES = 5;
/** Naming what came instead of an answer is for the installer: a storm of rubbish must not cost time. */
const REFUSAL_LOOKS_AT_BYTES = 48;

/** RTU: bytes with a CRC, on a serial line or through a serial server. `overdue` lists answers that may still come. */
export function rtuFraming(overdue: () => readonly ReplyShape[]): Framing {
  const counters: FramingCounters = { droppedBytes: 0, lateReplies: 0 };
  let buffer: Uint8Array = new Uint8Array();
  let pending: EncodedRequest | undefined;

  const consume = (bytes: number) => {
    buffer = buffer.subarray(bytes);
  };

  const framing: Framing = {
    counters,
    namesRequest: false,
    isLost: false,
    onLate: undefined,
    begin(request) {
      framing.restart();
      pending = request;
      return request.adu;
    },
    receive(chunk) {
      buffer = concat(buffer, chunk);
      for (;;) {
        const found = firstMatch(buffer, pending?.shape, overdue());
        if (found === undefined) break;
        const frame = buffer.slice(found.offset, found.offset + found.length);
        counters.droppedBytes += found.offset;
        consume(found.offset + found.length);
        if (found.isPending) {
          pending = undefined;
          return frame;
        }
        counters.lateReplies++;
        counters.droppedBytes += frame.length;
        framing.onLate?.(found.shape);
      }
      const excess = buffer.length - MAX_BUFFER_BYTES;
      if (excess > 0) {
        counters.droppedBytes += excess;
        consume(excess);
      }
      return undefined;
    },
    abandon() {
      const refusal = refusalOf(buffer, pending?.shape);
      pending = undefined;
      return refusal;
    },
    restart() {
      counters.droppedBytes += buffer.length;
      buffer = new Uint8Array();
    },
  };
  return framing;
}

interface Match {
  readonly offset: number;
  readonly length: number;
  readonly shape: ReplyShape;
  readonly isPending: boolean;
}

function firstMatch(
  buffer: Uint8Array,
  pending: ReplyShape | undefined,
  overdue: readonly ReplyShape[],
): Match | undefined {
  for (let offset = 0; offset + SHORTEST_FRAME_BYTES <= buffer.length; offset++) {
    if (pending !== undefined) {
      const length = matchReply(pending, buffer, offset);
      if (length > 0) return { offset, length, shape: pending, isPending: true };
    }
    for (const shape of overdue) {
      const length = matchReply(shape, buffer, offset);
      if (length > 0) return { offset, length, shape, isPending: false };
    }
  }
  return undefined;
}

/** A frame that is whole in itself but not ours is another matter for the installer than a noisy line. */
function refusalOf(buffer: Uint8Array, shape: ReplyShape | undefined): Refusal {
  if (buffer.length === 0) return "silence";
  for (let offset = 0; offset < Math.min(buffer.length, REFUSAL_LOOKS_AT_BYTES); offset++) {
    if (shape !== undefined && resemblesReply(shape, buffer, offset)) return "crc";
    for (let end = offset + SHORTEST_FRAME_BYTES; end <= Math.min(buffer.length, offset + 64); end++) {
      if (hasGoodCrc(buffer, offset, end)) return "unexpected";
    }
  }
  return "crc";
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
