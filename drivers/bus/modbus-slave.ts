import { hasGoodCrc, withCrc } from "./crc16.ts";

/** A read or single write as a slave sees it. */
export interface SlaveRequest {
  readonly unit: number;
  readonly functionCode: number;
  readonly address: number;
  /** Registers to read, or the value to write. */
  readonly countOrValue: number;
  /** The whole request in RTU form. */
  readonly adu: Uint8Array;
}

const REQUEST_BYTES = 8;
const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;
const ILLEGAL_VALUE = 3;

/**
 * The slave's half of Modbus for the simulators: functions 3, 4, 6 and 8/0.
 * @param registerAt value of a register, or undefined where the device has none
 * @returns the answer in RTU form
 */
export function slaveReply(
  request: SlaveRequest,
  registerAt: (functionCode: number, address: number) => number | undefined,
): Uint8Array {
  const { unit, functionCode, address, countOrValue } = request;
  const refuse = (code: number) => withCrc(Uint8Array.of(unit, functionCode | 0x80, code));
  if (functionCode === 8 && address === 0) return request.adu;
  if (functionCode === 6) return registerAt(3, address) === undefined ? refuse(ILLEGAL_ADDRESS) : request.adu;
  if (functionCode !== 3 && functionCode !== 4) return refuse(ILLEGAL_FUNCTION);
  if (countOrValue < 1 || countOrValue > 125) return refuse(ILLEGAL_VALUE);
  const body = new Uint8Array(3 + countOrValue * 2);
  body.set([unit, functionCode, countOrValue * 2]);
  for (let index = 0; index < countOrValue; index++) {
    const value = registerAt(functionCode, address + index);
    if (value === undefined) return refuse(ILLEGAL_ADDRESS);
    body.set([(value >>> 8) & 0xff, value & 0xff], 3 + index * 2);
  }
  return withCrc(body);
}

/** Finds whole requests in a stream of bytes on an RTU line; what fits none is skipped. */
export function rtuRequests(): (chunk: Uint8Array) => SlaveRequest[] {
  let buffer: Uint8Array = new Uint8Array();
  return (chunk) => {
    const joined = new Uint8Array(buffer.length + chunk.length);
    joined.set(buffer);
    joined.set(chunk, buffer.length);
    const found: SlaveRequest[] = [];
    let offset = 0;
    while (offset + REQUEST_BYTES <= joined.length) {
      if (hasGoodCrc(joined, offset, offset + REQUEST_BYTES)) {
        found.push(parse(joined.slice(offset, offset + REQUEST_BYTES)));
        offset += REQUEST_BYTES;
      } else {
        offset++;
      }
    }
    buffer = joined.slice(offset);
    return found;
  };
}

/** Modbus TCP: requests with the six bytes before the unit that the answer must repeat. */
export function mbapRequests(): (chunk: Uint8Array) => { readonly head: Uint8Array; readonly request: SlaveRequest }[] {
  let buffer: Uint8Array = new Uint8Array();
  return (chunk) => {
    const joined = new Uint8Array(buffer.length + chunk.length);
    joined.set(buffer);
    joined.set(chunk, buffer.length);
    buffer = joined;
    const found = [];
    while (buffer.length >= 6) {
      const length = (buffer[4] ?? 0) * 256 + (buffer[5] ?? 0);
      if (buffer.length < 6 + length) break;
      const body = buffer.slice(6, 6 + length);
      if (body.length === REQUEST_BYTES - 2) found.push({ head: buffer.slice(0, 4), request: parse(withCrc(body)) });
      buffer = buffer.slice(6 + length);
    }
    return found;
  };
}

/** An answer in RTU form as Modbus TCP sends it. */
export function mbapReply(head: Uint8Array, reply: Uint8Array): Uint8Array {
  const body = reply.subarray(0, reply.length - 2);
  const frame = new Uint8Array(6 + body.length);
  frame.set(head);
  frame.set([body.length >>> 8, body.length & 0xff], 4);
  frame.set(body, 6);
  return frame;
}

function parse(adu: Uint8Array): SlaveRequest {
  const word = (at: number) => (adu[at] ?? 0) * 256 + (adu[at + 1] ?? 0);
  return { unit: adu[0] ?? 0, functionCode: adu[1] ?? 0, address: word(2), countOrValue: word(4), adu };
}
