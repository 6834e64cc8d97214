import { DriverError } from "../errors.ts";

/** A short data message as the radio hands it over. Identities as it wrote them. */
export interface PeiMessage {
  readonly service: number;
  readonly from?: string;
  readonly fromType?: number;
  readonly to: string;
  readonly toType?: number;
  readonly bitCount: number;
  readonly bytes: Uint8Array;
}

type Header = Omit<PeiMessage, "bytes">;

export type PeiItem = { readonly message: PeiMessage } | { readonly line: string } | { readonly fault: DriverError };

const HEADER = "+CTSDSR:";
const MAX_BITS = 4096;

/**
 * Puts +CTSDSR headers and the hex lines that belong to them together; hands every other line on as it is.
 * @source EN 300 392-5, clause 6.13.3
 */
export class MessageReader {
  #header: Header | undefined;

  take(line: string): readonly PeiItem[] {
    if (line.startsWith(HEADER)) return [...this.end(), ...this.#takeHeader(line)];
    const header = this.#header;
    if (header === undefined) return [{ line }];
    // An answer may come between the two.
    if (/^(AT|OK$|ERROR$|\+CM[ES] ERROR)/i.test(line)) return [{ line }];
    const hex = line.replace(/^\((.*)\)$/, "$1");
    if (!/^[0-9A-Fa-f]+$/.test(hex)) return [...this.end(), { line }];
    this.#header = undefined;
    return [messageOf(header, hex)];
  }

  /** A header whose message does not come any more. */
  end(): readonly PeiItem[] {
    if (this.#header === undefined) return [];
    this.#header = undefined;
    return [{ fault: damaged("a message was announced and did not come") }];
  }

  #takeHeader(line: string): readonly PeiItem[] {
    const fields = line
      .slice(HEADER.length)
      .trim()
      .split(/\s*,\s*|\s+/);
    const last = fields.at(-1) ?? "";
    // Some radios, and many logs, write the message behind its header.
    const hasMessage = fields.length > 6 && /^\(?[0-9A-Fa-f]{4,}\)?$/.test(last);
    const header = headerOf(line.slice(HEADER.length), hasMessage);
    if (header === undefined) return [{ fault: damaged(`a header that cannot be read: ${line.slice(0, 80)}`) }];
    if (hasMessage) return [messageOf(header, last.replaceAll(/[()]/g, ""))];
    this.#header = header;
    return [];
  }
}

/** Fields: service, [from], [from type], to, to type, bits, [end-to-end encryption]. Short forms leave the caller out. */
function headerOf(text: string, hasMessage: boolean): Header | undefined {
  const own = hasMessage ? text.replace(/[,\s]+\(?[0-9A-Fa-f]+\)?\s*$/, "") : text;
  const fields = own.split(",").map((field) => field.trim());
  const [service = "", ...rest] = fields;
  const [from, fromType, to, toType, bits, e2ee] =
    rest.length === 2
      ? ["", "", rest[0], "", rest[1], ""]
      : rest.length === 3
        ? ["", "", rest[0], rest[1], rest[2], ""]
        : rest;
  if (rest.length > 6 || rest.length < 2) return undefined;
  const numbers = [service, fromType, to, toType, bits, e2ee].map((field) => field ?? "");
  if (numbers.some((field) => !/^[0-9]{0,24}$/.test(field)) || !/^[0-9]{0,24}$/.test(from ?? "")) return undefined;
  const bitCount = Number(bits);
  if (service === "" || !to || !bits || Number(service) > 99 || bitCount < 1 || bitCount > MAX_BITS) return undefined;
  return {
    service: Number(service),
    ...(from && { from }),
    ...(fromType && { fromType: Number(fromType) }),
    to,
    ...(toType && { toType: Number(toType) }),
    bitCount,
  };
}

/** The length in bits counts; radios write too many digits, and some one too few to fill the last byte. */
function messageOf(header: Header, hex: string): PeiItem {
  if (hex.length * 4 < header.bitCount) {
    return { fault: damaged(`a message of ${hex.length * 4} bits, announced as ${header.bitCount}`) };
  }
  const whole = hex.length % 2 === 0 ? hex : `${hex}0`;
  return { message: { ...header, bytes: Uint8Array.from(Buffer.from(whole, "hex")) } };
}

function damaged(what: string): DriverError {
  return new DriverError("PEI_MESSAGE_DAMAGED", what, {
    retry: "backoff",
    hint: "Bytes were lost between radio and gateway: check the cable and the baud rate.",
  });
}
