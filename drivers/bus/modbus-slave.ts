import { hasGoodCrc, withCrc } from "./crc16.ts";

/** A read or single write as a slave sees it. */
export interface SlaveRequest {
  readonly unit: number;
  readonly functionCode: number;
  readonly address: number;
  /** Registers to read or to write, or the value to write. */
  readonly countOrValue: number;
  /** What function 16 writes. */
  readonly values?: readonly number[];
  /** The whole request in RTU form. */
  readonly adu: Uint8Array;
}

const REQUEST_BYTES = 8;
const WRITE_REGISTERS = 16;
const LONGEST_REQUEST_BYTES = 256;
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

/** Where a slave keeps what is written to it: coils and discrete inputs as 0 and 1, registers as unsigned 16 bit. */
export interface SlaveMemory {
  /** @returns undefined where the device has none */
  read(table: "coils" | "discrete-inputs" | "holding" | "input", address: number): number | undefined;
  /** @returns false where nothing can be written */
  write(table: "coils" | "holding", address: number, value: number): boolean;
}

/**
 * The slave's half of Modbus for devices with contacts and outputs: functions 1 to 6, 8/0 and 16.
 * @returns the answer in RTU form
 */
export function memoryReply(request: SlaveRequest, memory: SlaveMemory): Uint8Array {
  const { unit, functionCode, address, countOrValue, values = [], adu } = request;
  const refuse = (code: number) => withCrc(Uint8Array.of(unit, functionCode | 0x80, code));
  if (functionCode === 3 || functionCode === 4 || functionCode === 8) {
    return slaveReply(request, (code, at) => memory.read(code === 3 ? "holding" : "input", at));
  }
  if (functionCode === 1 || functionCode === 2) {
    if (countOrValue < 1 || countOrValue > 2000) return refuse(ILLEGAL_VALUE);
    const body = new Uint8Array(3 + Math.ceil(countOrValue / 8));
    body.set([unit, functionCode, body.length - 3]);
    for (let index = 0; index < countOrValue; index++) {
      const bit = memory.read(functionCode === 1 ? "coils" : "discrete-inputs", address + index);
      if (bit === undefined) return refuse(ILLEGAL_ADDRESS);
      if (bit !== 0) body[3 + (index >> 3)] = (body[3 + (index >> 3)] ?? 0) | (1 << (index & 7));
    }
    return withCrc(body);
  }
  if (functionCode === 5) {
    if (countOrValue !== 0 && countOrValue !== 0xff00) return refuse(ILLEGAL_VALUE);
    return memory.write("coils", address, countOrValue === 0 ? 0 : 1) ? adu : refuse(ILLEGAL_ADDRESS);
  }
  if (functionCode === 6) return memory.write("holding", address, countOrValue) ? adu : refuse(ILLEGAL_ADDRESS);
  if (functionCode !== WRITE_REGISTERS) return refuse(ILLEGAL_FUNCTION);
  if (values.length !== countOrValue || values.length < 1) return refuse(ILLEGAL_VALUE);
  if (values.some((_, index) => memory.read("holding", address + index) === undefined)) return refuse(ILLEGAL_ADDRESS);
  for (const [index, value] of values.entries()) memory.write("holding", address + index, value);
  return withCrc(adu.slice(0, 6));
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
      const length = requestBytes(joined, offset);
      if (offset + length > joined.length && joined.length - offset <= LONGEST_REQUEST_BYTES) break;
      if (hasGoodCrc(joined, offset, offset + length)) {
        found.push(parse(joined.slice(offset, offset + length)));
        offset += length;
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
      if (body.length >= REQUEST_BYTES - 2 && body.length === requestBytes(body, 0) - 2)
        found.push({ head: buffer.slice(0, 4), request: parse(withCrc(body)) });
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

function requestBytes(bytes: Uint8Array, offset: number): number {
  return bytes[offset + 1] === WRITE_REGISTERS ? 7 + (bytes[offset + 6] ?? 0) + 2 : REQUEST_BYTES;
}

function parse(adu: Uint8Array): SlaveRequest {
  const word = (at: number) => (adu[at] ?? 0) * 256 + (adu[at + 1] ?? 0);
  const [unit = 0, functionCode = 0] = adu;
  const request = { unit, functionCode, address: word(2), countOrValue: word(4), adu };
  if (functionCode !== WRITE_REGISTERS) return request;
  return { ...request, values: Array.from({ length: (adu[6] ?? 0) >> 1 }, (_, index) => word(7 + index * 2)) };
}
