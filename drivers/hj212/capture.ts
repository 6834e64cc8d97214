import type { CaptureFormat, DecodedItem, FrameDecoder } from "../decoder.ts";
import { DriverError } from "../errors.ts";
import { ANSWER, answerTo, TIME } from "./answers.ts";
import { type DecodeSettings, dataTimeMs, decodeReport, periodOf } from "./decode.ts";
import { type Deviation, TOLERATED_BY_DEFAULT } from "./deviations.ts";
import { Fragments } from "./fragments.ts";
import { type FrameOrFault, FrameReader } from "./framing.ts";
import { type Message, parseSegment } from "./segment.ts";

const SETTINGS: DecodeSettings = { levelPeriodS: 1, levelQuantity: "LAF", minutePeriodS: 600, dustUnit: "µg/m³" };
/** Commands and answers that may stand in a capture and hold no values. */
const TALK: readonly number[] = [...Object.values(ANSWER), ...Object.values(TIME)];
/** A capture has no time of its own: packets wait as long as it lasts. */
const NO_TIMEOUT_MS = Number.POSITIVE_INFINITY;

/** Captured HJ 212, with the driver's default tolerance; a tolerated deviation stands beside the first value of its frame. */
export const hj212Capture: CaptureFormat = { decoder: () => new Hj212Decoder() };

class Hj212Decoder implements FrameDecoder {
  readonly #reader = new FrameReader(TOLERATED_BY_DEFAULT);
  readonly #fragments = new Fragments(NO_TIMEOUT_MS);

  frame(bytes: Uint8Array): readonly DecodedItem[] {
    return [...this.push(bytes), ...this.#items(this.#reader.end())];
  }

  push(bytes: Uint8Array): readonly DecodedItem[] {
    return this.#items(this.#reader.push(bytes));
  }

  end(): readonly DecodedItem[] {
    const open = this.#fragments.expire(Number.POSITIVE_INFINITY);
    return [...this.#items(this.#reader.end()), ...open.map(({ fault }) => ({ fault }))];
  }

  #items(found: readonly FrameOrFault[]): DecodedItem[] {
    return found.flatMap((item) => {
      if ("fault" in item) return [item];
      try {
        return this.#values(parseSegment(item.frame.segment), item.frame.deviations);
      } catch (error) {
        if (error instanceof DriverError) return [{ fault: error }];
        throw error;
      }
    });
  }

  #values(message: Message, framing: readonly Deviation[]): DecodedItem[] {
    if (periodOf(message.command, SETTINGS) === undefined) {
      // Commands of the centre are below 2000 and above 3000; what a station reports lies between.
      const isTalk = TALK.includes(message.command) || answerTo(message.command) !== undefined;
      return isTalk || message.fields.every(({ name }) => !name.includes("-")) ? [] : [{ fault: notRead(message) }];
    }
    const whole = this.#fragments.add(message, 0);
    if (whole === undefined) return [];
    const dataMs = dataTimeMs(whole);
    const report = decodeReport(whole, SETTINGS, { nowMs: Number.MAX_SAFE_INTEGER, isLive: false });
    const deviations = [...framing, ...message.deviations, ...report.deviations].filter((name) => !isOfFile(name));
    const subject = { type: "station", id: message.mn };
    return [
      ...report.readings.map((reading, index) => ({
        reading: { ...reading, atMs: reading.kind === "noise-period" ? reading.toMs : dataMs, subject },
        ...(index === 0 && deviations.length > 0 && { deviations }),
      })),
      ...report.faults.map((fault) => ({ fault })),
    ];
  }
}

/** What text editors and log files do to line ends is not the station's. */
function isOfFile(name: Deviation): boolean {
  return name === "lf-only" || name === "no-line-end";
}

function notRead({ command }: Message): DriverError {
  return new DriverError("HJ212_COMMAND", `command ${command} is not read`, {
    retry: "never",
    hint: "Read are real-time, minute, hour and day data: 2011, 2051, 2061, 2031.",
  });
}
