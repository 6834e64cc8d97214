import { withCrc } from "./crc16.ts";
import type { Framing, FramingCounters, Refusal } from "./framing.ts";
import type { EncodedRequest } from "./modbus-codec.ts";
import { matchReply } from "./reply-shape.ts";

const HEADER_BYTES = 6;
/** Unit and PDU. */
const LONGEST_BODY_BYTES = 254;

/** Modbus TCP: each answer carries the transaction id of its request, and only that one is taken. */
export function mbapFraming(firstId = 1): Framing {
  const counters: FramingCounters = { droppedBytes: 0, lateReplies: 0 };
  let buffer: Uint8Array = new Uint8Array();
  let pending: { readonly id: number; readonly request: EncodedRequest } | undefined;
  let nextId = firstId & 0xffff;
  let hasForeign = false;
  let isLost = false;

  return {
    counters,
    namesRequest: true,
    onLate: undefined,
    get isLost() {
      return isLost;
    },
    begin(request) {
      const id = nextId;
      nextId = (nextId + 1) & 0xffff;
      pending = { id, request };
      hasForeign = false;
      const body = request.adu.subarray(0, request.adu.length - 2);
      const frame = new Uint8Array(HEADER_BYTES + body.length);
      frame.set([id >>> 8, id & 0xff, 0, 0, body.length >>> 8, body.length & 0xff]);
      frame.set(body, HEADER_BYTES);
      return frame;
    },
    receive(chunk) {
      if (isLost) {
        counters.droppedBytes += chunk.length;
        return undefined;
      }
      const joined = new Uint8Array(buffer.length + chunk.length);
      joined.set(buffer);
      joined.set(chunk, buffer.length);
      buffer = joined;
      while (buffer.length >= HEADER_BYTES) {
        const [idHigh = 0, idLow = 0, protocolHigh, protocolLow, lengthHigh = 0, lengthLow = 0] = buffer;
        const length = lengthHigh * 256 + lengthLow;
        if (protocolHigh !== 0 || protocolLow !== 0 || length < 2 || length > LONGEST_BODY_BYTES) {
          isLost = true;
          hasForeign = true;
          counters.droppedBytes += buffer.length;
          buffer = new Uint8Array();
          return undefined;
        }
        if (buffer.length < HEADER_BYTES + length) break;
        const reply = withCrc(buffer.subarray(HEADER_BYTES, HEADER_BYTES + length));
        buffer = buffer.slice(HEADER_BYTES + length);
        const isOurs = pending?.id === idHigh * 256 + idLow;
        if (isOurs && pending !== undefined && matchReply(pending.request.shape, reply, 0) === reply.length) {
          pending = undefined;
          return reply;
        }
        if (isOurs) hasForeign = true;
        else counters.lateReplies++;
        counters.droppedBytes += HEADER_BYTES + length;
      }
      return undefined;
    },
    abandon(): Refusal {
      pending = undefined;
      return hasForeign ? "unexpected" : "silence";
    },
    restart() {
      counters.droppedBytes += buffer.length;
      buffer = new Uint8Array();
      isLost = false;
    },
  };
}
