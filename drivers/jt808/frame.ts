import { DriverError } from "../errors.ts";
import { bcdBytes, bcdText } from "./bcd.ts";

export const MARK = 0x7e;
const ESCAPE = 0x7d;
const LONGEST_BODY_BYTES = 0x3ff;
/** Header of 2019 with a part, the longest body, the check byte; each may be escaped. */
export const LONGEST_ESCAPED_BYTES = 2 * (21 + LONGEST_BODY_BYTES + 1);

/** The edition of the standard, as the version bit of the header tells it; 2011 looks like 2013. */
export type Edition = "2013" | "2019";

/** @source JT/T 808-2013 and -2019, message header */
export interface FrameHeader {
  readonly messageId: number;
  readonly edition: Edition;
  /** As on the wire: 12 digits, in 2019 20 digits. */
  readonly phone: string;
  readonly serial: number;
  readonly isEncrypted: boolean;
  /** One of several parts of a long message; `index` counts from 1. */
  readonly part?: { readonly total: number; readonly index: number };
}

export interface Frame extends FrameHeader {
  readonly body: Uint8Array;
}

/** A frame, or why it is none; with its header where the check byte proves it, so that it can be answered. */
export type FrameOrFault = { readonly frame: Frame } | { readonly fault: DriverError; readonly header?: FrameHeader };

/** @param escaped what stands between two marks */
export function decodeFrame(escaped: Uint8Array): FrameOrFault {
  const bytes = unescapeBytes(escaped);
  if (bytes === undefined) return { fault: fault("JT808_ESCAPE", "a frame holds 7D before neither 01 nor 02") };
  if (bytes.length < 13) return { fault: fault("JT808_SHORT", `a frame of ${bytes.length} bytes holds no header`) };
  const sum = checksum(bytes.subarray(0, -1));
  if (sum !== bytes.at(-1)) return { fault: fault("JT808_CHECKSUM", `check byte ${hex(bytes.at(-1))} is ${hex(sum)}`) };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length - 1);
  const attributes = view.getUint16(2);
  const is2019 = (attributes & 0x4000) !== 0;
  const isPart = (attributes & 0x2000) !== 0;
  const phoneAt = is2019 ? 5 : 4;
  const serialAt = phoneAt + (is2019 ? 10 : 6);
  const bodyAt = serialAt + (isPart ? 6 : 2);
  if (view.byteLength < bodyAt) {
    return { fault: fault("JT808_SHORT", `a frame of ${bytes.length} bytes holds no whole header`) };
  }
  const header: FrameHeader = {
    messageId: view.getUint16(0),
    edition: is2019 ? "2019" : "2013",
    phone: bcdText(bytes.subarray(phoneAt, serialAt)),
    serial: view.getUint16(serialAt),
    isEncrypted: (attributes & 0x1c00) !== 0,
    ...(isPart && { part: { total: view.getUint16(serialAt + 2), index: view.getUint16(serialAt + 4) } }),
  };
  const body = bytes.slice(bodyAt, -1);
  const announced = attributes & LONGEST_BODY_BYTES;
  if (body.length !== announced) {
    const message = `message ${hex(header.messageId, 4)} announces ${announced} bytes and has ${body.length}`;
    return { fault: fault("JT808_LENGTH", message), header };
  }
  return { frame: { ...header, body } };
}

/** A whole frame, marks included. @param frame its body has at most 1023 bytes */
export function encodeFrame(frame: Omit<Frame, "isEncrypted">): Uint8Array {
  const { messageId, edition, phone, serial, body, part } = frame;
  if (body.length > LONGEST_BODY_BYTES) throw new RangeError(`a body of ${body.length} bytes needs parts`);
  const is2019 = edition === "2019";
  const attributes = body.length | (part ? 0x2000 : 0) | (is2019 ? 0x4000 : 0);
  const plain = [
    ...word(messageId),
    ...word(attributes),
    ...(is2019 ? [1] : []),
    ...bcdBytes(phone.padStart(is2019 ? 20 : 12, "0")),
    ...word(serial),
    ...(part ? [...word(part.total), ...word(part.index)] : []),
    ...body,
  ];
  plain.push(checksum(plain));
  const escaped = plain.flatMap((byte) => {
    if (byte === MARK) return [ESCAPE, 2];
    return byte === ESCAPE ? [ESCAPE, 1] : [byte];
  });
  return Uint8Array.from([MARK, ...escaped, MARK]);
}

export function word(value: number): [number, number] {
  return [(value >> 8) & 0xff, value & 0xff];
}

/** @returns undefined where 7D stands before neither 01 nor 02 */
export function unescapeBytes(escaped: Uint8Array): Uint8Array | undefined {
  const bytes = new Uint8Array(escaped.length);
  let length = 0;
  for (let at = 0; at < escaped.length; at++) {
    let byte = escaped[at] ?? 0;
    if (byte === ESCAPE) {
      const next = escaped[++at];
      if (next !== 1 && next !== 2) return undefined;
      byte = next === 1 ? ESCAPE : MARK;
    }
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

function checksum(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at++) sum ^= bytes[at] ?? 0;
  return sum;
}

export function hex(value: number | undefined, digits = 2): string {
  return value === undefined ? "?" : value.toString(16).toUpperCase().padStart(digits, "0");
}

function fault(code: string, message: string): DriverError {
  return new DriverError(code, message, {
    retry: "backoff",
    hint: "Some frames are lost to a bad link; many say that this terminal does not speak JT/T 808.",
  });
}
