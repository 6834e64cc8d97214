import type { CaptureFormat, DecodedItem, FrameDecoder } from "../decoder.ts";
import { DriverError } from "../errors.ts";
import { TextJoiner } from "./concatenation.ts";
import { handset } from "./identity.ts";
import { decodeLip, LIP_EMERGENCY, type LipReport } from "./lip.ts";
import { positionOf } from "./lip-position.ts";
import { LineReader } from "./pei-lines.ts";
import { MessageReader, type PeiItem, type PeiMessage } from "./pei-messages.ts";
import { decodeSds } from "./sds.ts";

const LINE_FEED = Uint8Array.of(0x0a);
/** Nobody knows how much time passed in a capture: parts are waited for until its end. */
const NEVER_MS = Number.POSITIVE_INFINITY;

/** The readings of one report; a handset without a fix gives none. */
function reportItems(report: LipReport, subject: ReturnType<typeof handset>): DecodedItem[] {
  const of = subject === undefined ? {} : { subject };
  const { ageMs, ...position } = positionOf(report, undefined) ?? {};
  const { reason, time } = report;
  const extra = { ...(reason !== undefined && { reason }), ...(time !== undefined && { time }) };
  const isPlaced = "latitudeDeg" in position;
  const age = ageMs === undefined ? {} : { maxAgeMs: ageMs };
  const items: DecodedItem[] = isPlaced
    ? [{ reading: { kind: "position", ...position, ...of, ...extra, ...age } }]
    : [];
  if (reason === LIP_EMERGENCY) items.push({ reading: { kind: "message", type: "emergency", ...of } });
  return items;
}

/** A PEI session as the radio wrote it, or, frame by frame, one message (or its text) each. */
class PeiCapture implements FrameDecoder {
  readonly #lines = new LineReader();
  readonly #messages = new MessageReader();
  readonly #joiner = new TextJoiner(NEVER_MS);

  frame(bytes: Uint8Array): readonly DecodedItem[] {
    const isText = /^[\r\n]*(\+|AT|OK|ERROR)/.test(Buffer.from(bytes.subarray(0, 8)).toString("latin1"));
    if (isText) return [...this.push(bytes), ...this.push(LINE_FEED)];
    const service = bytes.length === 2 ? 13 : 12;
    return this.#takeMessage({ service, to: "", bitCount: bytes.length * 8, bytes });
  }

  push(bytes: Uint8Array): readonly DecodedItem[] {
    return this.#lines
      .push(bytes)
      .flatMap((found) => (typeof found === "string" ? this.#messages.take(found) : [found]))
      .flatMap((item) => this.#takeItem(item));
  }

  end(): readonly DecodedItem[] {
    const rest = this.#lines.end().flatMap((line) => this.#messages.take(line));
    const items = [...rest, ...this.#messages.end()].flatMap((item) => this.#takeItem(item));
    return [...items, ...guarded(() => this.#joiner.due(NEVER_MS).flatMap((joined) => textItems(joined)))];
  }

  #takeItem(item: PeiItem): readonly DecodedItem[] {
    if ("fault" in item) return [item];
    return "message" in item ? this.#takeMessage(item.message) : [];
  }

  #takeMessage(message: PeiMessage): readonly DecodedItem[] {
    return guarded(() => this.#contentItems(message));
  }

  #contentItems(message: PeiMessage): DecodedItem[] {
    const subject = handset(message.from);
    const to = handset(message.to);
    const ends = { ...(subject !== undefined && { subject }), ...(to !== undefined && { to }) };
    const content = decodeSds(message.service, message.bytes, message.bitCount);
    switch (content.kind) {
      case "status":
        return [{ reading: { kind: "message", type: statusType(content.code), statusCode: content.code, ...ends } }];
      case "lip":
        return reportItems(content.report, subject);
      case "text":
        return this.#joiner
          .add(`${message.from ?? ""}>${message.to}`, content, 0)
          .flatMap((joined) => textItems(joined));
      case "delivery":
      case "other":
        return [];
    }
  }
}

function textItems({ key, text, fault }: ReturnType<TextJoiner["add"]>[number]): DecodedItem[] {
  const [subject, to] = key.split(">").map((identity) => handset(identity));
  const ends = { ...(subject !== undefined && { subject }), ...(to !== undefined && { to }) };
  const items: DecodedItem[] = fault === undefined ? [] : [{ fault }];
  return [...items, { reading: { kind: "message", type: "text", text, ...ends } }];
}

function guarded(act: () => DecodedItem[]): DecodedItem[] {
  try {
    return act();
  } catch (error) {
    if (error instanceof DriverError) return [{ fault: error }];
    throw error;
  }
}

export const tetraCapture: CaptureFormat = { decoder: () => new PeiCapture() };

/** Location reports, each a line of hex or a frame. */
class LipCapture implements FrameDecoder {
  readonly #lines = new LineReader();

  frame(bytes: Uint8Array): readonly DecodedItem[] {
    return guarded(() => {
      const report = decodeLip(bytes);
      return report === undefined ? [] : reportItems(report, undefined);
    });
  }

  push(bytes: Uint8Array): readonly DecodedItem[] {
    return this.#lines.push(bytes).flatMap((found) => (typeof found === "string" ? this.#takeLine(found) : [found]));
  }

  end(): readonly DecodedItem[] {
    return this.#lines.end().flatMap((line) => this.#takeLine(line));
  }

  #takeLine(line: string): readonly DecodedItem[] {
    const hex = (line.split("#")[0] ?? "").replaceAll(/\s/g, "");
    if (hex === "") return [];
    if (!/^[0-9A-Fa-f]+$/.test(hex)) return [{ fault: noHex(line) }];
    return this.frame(Uint8Array.from(Buffer.from(hex.length % 2 === 0 ? hex : `${hex}0`, "hex")));
  }
}

function noHex(line: string): DriverError {
  return new DriverError("LIP_NO_HEX", `"${line.slice(0, 40)}" is no location report in hex`, {
    retry: "never",
    hint: "Write one report a line, from its identifier 0A on, e.g. 0A0088BD4247F737FFE810.",
  });
}

export const lipCapture: CaptureFormat = { allowsHalfByte: true, decoder: () => new LipCapture() };

/** Status 0 is TETRA's own call for help; which others are one only a config knows. */
function statusType(code: number): "status" | "emergency" {
  return code === 0 ? "emergency" : "status";
}
