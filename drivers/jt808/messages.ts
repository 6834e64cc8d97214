import { DriverError } from "../errors.ts";
import { type Edition, word } from "./frame.ts";
import { gbkBytes, gbkText } from "./gbk.ts";
import { decodeLocation, type Location } from "./location.ts";

/** Message ids. @source JT/T 808-2019 */
export const MESSAGE = {
  terminalAck: 0x0001,
  heartbeat: 0x0002,
  logout: 0x0003,
  register: 0x0100,
  authenticate: 0x0102,
  location: 0x0200,
  locationAnswer: 0x0201,
  batch: 0x0704,
  platformAck: 0x8001,
  registerAck: 0x8100,
  text: 0x8300,
} as const;

/** Results of the platform's acknowledgement 8001. */
export const RESULT = { good: 0, failed: 1, bad: 2, unsupported: 3, alarmTaken: 4 } as const;

/** Results of 8100. */
export const REGISTER_RESULT = { good: 0, terminalUnknown: 4 } as const;

const MOST_TEXT_BYTES = 1022;
const MOST_CODE_BYTES = 255;

export interface Registration {
  readonly maker: string;
  readonly model: string;
  readonly terminal: string;
  readonly plate: string;
}

/**
 * The editions differ in the widths of their fields; 2011 and 2013 in that of the model, which only the length tells.
 * @throws DriverError JT808_BODY
 */
export function decodeRegistration(body: Uint8Array, edition: Edition): Registration {
  const [maker, model, id] = edition === "2019" ? [11, 30, 30] : [5, body.length >= 37 ? 20 : 8, 7];
  const plateAt = 4 + maker + model + id + 1;
  if (body.length < plateAt) throw shortBody("a registration", body.length, plateAt);
  const text = (from: number, length: number) => gbkText(body.subarray(from, from + length)).trim();
  return {
    maker: text(4, maker),
    model: text(4 + maker, model),
    terminal: text(4 + maker + model, id),
    plate: text(plateAt, body.length - plateAt),
  };
}

/** The code that a terminal shows; in 2019 its IMEI and software version follow. @throws DriverError JT808_BODY */
export function decodeAuthentication(body: Uint8Array, edition: Edition): string {
  if (edition === "2013") return gbkText(body.subarray(0, MOST_CODE_BYTES));
  const length = body[0] ?? 0;
  if (body.length < 1 + length) throw shortBody("an authentication", body.length, 1 + length);
  return gbkText(body.subarray(1, 1 + length));
}

export interface Batch {
  /** Positions of a stretch without network, sent later. */
  readonly isBackfill: boolean;
  readonly items: readonly ({ readonly location: Location } | { readonly fault: DriverError })[];
}

/** @throws DriverError JT808_BODY */
export function decodeBatch(body: Uint8Array): Batch {
  if (body.length < 3) throw shortBody("a batch", body.length, 3);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const count = view.getUint16(0);
  const items: ({ location: Location } | { fault: DriverError })[] = [];
  let at = 3;
  while (items.length < count && at + 2 <= body.length) {
    const end = at + 2 + view.getUint16(at);
    if (end > body.length) break;
    items.push(locationOrFault(body.subarray(at + 2, end)));
    at = end;
  }
  if (items.length < count || at !== body.length) {
    items.push({ fault: shortBody(`a batch of ${count} locations, ${items.length} of them whole,`, body.length, at) });
  }
  return { isBackfill: body[2] === 1, items };
}

function locationOrFault(bytes: Uint8Array): { location: Location } | { fault: DriverError } {
  try {
    return { location: decodeLocation(bytes) };
  } catch (error) {
    if (error instanceof DriverError) return { fault: error };
    throw error;
  }
}

/** What a terminal answers to one of our messages. @throws DriverError JT808_BODY */
export function decodeTerminalAck(body: Uint8Array): { serial: number; messageId: number; result: number } {
  if (body.length < 5) throw shortBody("an acknowledgement", body.length, 5);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  return { serial: view.getUint16(0), messageId: view.getUint16(2), result: body[4] ?? 0 };
}

export function platformAck(serial: number, messageId: number, result: number): Uint8Array {
  return Uint8Array.from([...word(serial), ...word(messageId), result]);
}

/** @param code only with a good result */
export function registerAck(serial: number, result: number, code: string): Uint8Array {
  const isGood = result === REGISTER_RESULT.good;
  return Uint8Array.from([...word(serial), result, ...(isGood ? Buffer.from(code, "latin1") : [])]);
}

/**
 * Text for the terminal's display and loudspeaker.
 * @throws DriverError JT808_TEXT where it has no place in GBK or in one message
 * @source JT/T 808-2013 and -2019, text 8300; 2019 adds the type of the text
 */
export function textBody(text: string, edition: Edition, isUrgent: boolean): Uint8Array {
  const bytes = gbkBytes(text);
  if (bytes.length > MOST_TEXT_BYTES || bytes.length === 0) {
    throw new DriverError("JT808_TEXT", `a text of ${bytes.length} bytes in GBK`, {
      retry: "never",
      hint: `Write 1 to ${MOST_TEXT_BYTES / 2} Chinese characters.`,
    });
  }
  const shown = 0b0000_1100;
  if (edition === "2013") return Uint8Array.from([shown | (isUrgent ? 1 : 0), ...bytes]);
  const [urgent, notice, typeNotice] = [0b10, 0b11, 1];
  return Uint8Array.from([shown | (isUrgent ? urgent : notice), typeNotice, ...bytes]);
}

function shortBody(what: string, has: number, needs: number): DriverError {
  return new DriverError("JT808_BODY", `${what} has ${has} bytes, ${needs} would be right`, {
    retry: "backoff",
    hint: "The terminal speaks another edition or a maker's dialect of JT/T 808.",
  });
}
