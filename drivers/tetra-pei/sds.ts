import { DriverError } from "../errors.ts";
import { decodeLip, type LipReport } from "./lip.ts";
import { codingFor, encodeText, splitText } from "./sds-text.ts";

/** Protocol identifiers. @source EN 300 392-2, table 29.21 */
const SIMPLE_TEXT = 0x02;
const SIMPLE_IMMEDIATE_TEXT = 0x09;
const LIP = 0x0a;
const TEXT = 0x82;
const IMMEDIATE_TEXT = 0x89;
const TEXT_WITH_HEADER = 0x8a;

const STATUS_SERVICE = 13;
/** Statuses 7C00 to 7FFF are short reports of SDS-TL: six bits 011111, type, reference. */
const SHORT_REPORT = 0x1f;
const SHORT_RECEIVED = 2;
const SHORT_CONSUMED = 3;
const SEVEN_BIT_FORWARD_NUMBER = 3;

/** What of a sent message is to be told: `received` by the handset, `consumed`: shown to its user. */
export type ReportLevel = "none" | "received" | "consumed";

/** One part of a text, or the whole of it (`part` absent). */
export interface TextPart {
  readonly kind: "text";
  readonly coding: number;
  readonly bytes: Uint8Array;
  readonly part?: { readonly reference: string; readonly total: number; readonly number: number };
  /** What its sender wants to hear, and under which reference and protocol. */
  readonly report?: { readonly protocol: number; readonly reference: number; readonly wants: readonly ReportLevel[] };
}

/** Word of a message that we sent. `status` as in table 29.16. */
export interface DeliveryWord {
  readonly kind: "delivery";
  readonly reference: number;
  readonly outcome: "received" | "consumed" | "pending" | "failed";
  readonly status: number;
  /** The report wants an acknowledgement under this protocol. */
  readonly acknowledge?: number;
}

export type SdsContent =
  | TextPart
  | DeliveryWord
  | { readonly kind: "status"; readonly code: number }
  | { readonly kind: "lip"; readonly report: LipReport }
  /** Nothing that anybody here needs, such as an acknowledgement. */
  | { readonly kind: "other" };

/**
 * Reads what a +CTSDSR brought.
 * @param service AI service: 13 status, else SDS
 * @param bitCount announced length; what lies beyond it is padding
 * @throws DriverError SDS_TRUNCATED, SDS_UNSUPPORTED and those of decodeLip
 */
export function decodeSds(service: number, bytes: Uint8Array, bitCount = bytes.length * 8): SdsContent {
  const announced = bytes.subarray(0, Math.ceil(bitCount / 8));
  if (service === STATUS_SERVICE) return decodeStatus(announced);
  const protocol = byteAt(announced, 0);
  switch (protocol) {
    case LIP: {
      const report = decodeLip(announced, bitCount);
      return report === undefined ? { kind: "other" } : { kind: "lip", report };
    }
    case SIMPLE_TEXT:
    case SIMPLE_IMMEDIATE_TEXT:
      return { kind: "text", coding: byteAt(announced, 1) & 0x7f, bytes: announced.subarray(2) };
    case TEXT:
    case IMMEDIATE_TEXT:
    case TEXT_WITH_HEADER:
      return decodeTransport(announced, protocol);
    default:
      throw unsupported(`SDS protocol 0x${protocol.toString(16).padStart(2, "0")}`);
  }
}

function decodeStatus(bytes: Uint8Array): SdsContent {
  const high = byteAt(bytes, 0);
  const low = byteAt(bytes, 1);
  if (high >> 2 !== SHORT_REPORT) return { kind: "status", code: high * 256 + low };
  const type = high & 3;
  const outcome = type === SHORT_CONSUMED ? "consumed" : type === SHORT_RECEIVED ? "received" : "failed";
  return { kind: "delivery", reference: low, outcome, status: type };
}

/** SDS-TL: transfer, report or acknowledgement. */
function decodeTransport(bytes: Uint8Array, protocol: number): SdsContent {
  const flags = byteAt(bytes, 1);
  const type = flags >> 4;
  if (type === 1) {
    const status = byteAt(bytes, 2);
    return {
      kind: "delivery",
      reference: byteAt(bytes, 3),
      outcome: outcomeOf(status),
      status,
      ...((flags & 0x08) !== 0 && { acknowledge: protocol }),
    };
  }
  if (type === 2) return { kind: "other" };
  if (type !== 0) throw unsupported(`SDS-TL message type ${type}`);
  const reference = byteAt(bytes, 2);
  let at = (flags & 1) === 0 ? 3 : afterForwardControl(bytes);
  const scheme = byteAt(bytes, at);
  at += (scheme & 0x80) === 0 ? 1 : 4;
  byteAt(bytes, at - 1);
  const wants: ReportLevel[] = [];
  if ((flags & 0x04) !== 0) wants.push("received");
  if ((flags & 0x08) !== 0) wants.push("consumed");
  const report = wants.length === 0 ? {} : { report: { protocol, reference, wants } };
  const coding = scheme & 0x7f;
  if (protocol !== TEXT_WITH_HEADER) return { kind: "text", coding, bytes: bytes.subarray(at), ...report };
  const { part, next } = takePart(bytes, at);
  return { kind: "text", coding, bytes: bytes.subarray(next), ...(part !== undefined && { part }), ...report };
}

/** The user data header: its concatenation element, short (00) or long (08) reference; other elements are passed over. */
function takePart(bytes: Uint8Array, at: number): { readonly part: TextPart["part"]; readonly next: number } {
  const next = at + 1 + byteAt(bytes, at);
  if (next > bytes.length) throw truncated();
  for (let element = at + 1; element + 1 < next; ) {
    const id = byteAt(bytes, element);
    const length = byteAt(bytes, element + 1);
    const isConcatenation = (id === 0x00 && length === 3) || (id === 0x08 && length === 4);
    if (isConcatenation && element + 2 + length <= next) {
      const reference = `${id}:${[...bytes.subarray(element + 2, element + length)].join(".")}`;
      const [total = 0, number = 0] = bytes.subarray(element + length, element + 2 + length);
      if (total === 0 || number === 0 || number > total) throw unsupported(`part ${number} of ${total}`);
      return { part: { reference, total, number }, next };
    }
    element += 2 + length;
  }
  return { part: undefined, next };
}

function afterForwardControl(bytes: Uint8Array): number {
  const type = byteAt(bytes, 3) & 7;
  if (type === SEVEN_BIT_FORWARD_NUMBER) return 5 + Math.ceil(byteAt(bytes, 4) / 2);
  return 4 + (type === 0 ? 1 : type === 1 ? 3 : type === 2 ? 6 : 0);
}

function outcomeOf(status: number): DeliveryWord["outcome"] {
  if (status === 0x02 || status === 0x03) return "consumed";
  if (status < 0x20) return "received";
  return status < 0x40 || status >= 0x60 ? "pending" : "failed";
}

/** One message that is ready to be sent. */
export interface OutgoingPart {
  readonly reference: number;
  readonly bytes: Uint8Array;
}

/**
 * A text as one message, or as parts with a concatenation header.
 * @param reference of the first part; the others count on from it
 * @param maxBits longest message of the network, at least 256
 * @throws DriverError RADIO_TEXT_TOO_LONG
 */
export function encodeTextMessages(
  text: string,
  reference: number,
  report: ReportLevel,
  maxBits: number,
): readonly OutgoingPart[] {
  const coding = codingFor(text);
  const maxBytes = Math.floor(maxBits / 8);
  const flags = report === "received" ? 0x06 : report === "consumed" ? 0x0a : 0x02;
  const whole = encodeText(coding, text);
  if (whole.length + 4 <= maxBytes) {
    return [{ reference, bytes: Uint8Array.of(TEXT, flags, reference, coding, ...whole) }];
  }
  const parts = splitText(coding, text, maxBytes - 10);
  if (parts.length > 255) {
    throw new DriverError("RADIO_TEXT_TOO_LONG", `a text of ${parts.length} parts`, {
      retry: "never",
      hint: "A handset takes at most 255 parts. Write less.",
    });
  }
  return parts.map((part, index) => {
    const own = (reference + index) & 0xff;
    const header = [TEXT_WITH_HEADER, flags, own, coding, 5, 0, 3, reference, parts.length, index + 1];
    return { reference: own, bytes: Uint8Array.of(...header, ...encodeText(coding, part)) };
  });
}

/** SDS-REPORT for a message that asked for it. */
export function encodeReport(protocol: number, level: ReportLevel, reference: number): Uint8Array {
  return Uint8Array.of(protocol, 0x10, level === "consumed" ? 0x02 : 0x00, reference);
}

/** SDS-ACK for a report that asked for it. */
export function encodeAcknowledgement(protocol: number, { outcome, reference }: DeliveryWord): Uint8Array {
  return Uint8Array.of(protocol, 0x20, outcome === "consumed" ? 0x03 : 0x01, reference);
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw truncated();
  return byte;
}

function truncated(): DriverError {
  return new DriverError("SDS_TRUNCATED", "the message ends before its header does", {
    retry: "backoff",
    hint: "Bytes were lost between radio and gateway: check the cable and the baud rate.",
  });
}

function unsupported(what: string): DriverError {
  return new DriverError("SDS_UNSUPPORTED", `a message that is not understood: ${what}`, {
    retry: "backoff",
    hint: "Set the handsets to text, status and LIP; see the driver's README for what is read.",
  });
}
