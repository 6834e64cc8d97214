import type { CaptureFormat, DecodedItem } from "../decoder.ts";
import { DriverError } from "../errors.ts";
import { type AnswerOrFault, SvantekReader } from "./answer.ts";
import { checkSettings, levelOf, measurementsOf, type ProfileSettings, profileSettings, results } from "./decode.ts";

/**
 * Every answer of a capture. One that does not hold the meter's settings (`#1;`) does not say how it weighs; A and Fast, as
 * profile 1 is delivered, are then assumed, and `assumed` says so. The driver never assumes.
 */
export const svantekCapture: CaptureFormat = {
  decoder() {
    const reader = new SvantekReader();
    const decode = decoderOf();
    return {
      frame: (bytes) => [...reader.push(bytes), ...reader.end()].flatMap(decode),
      push: (bytes) => reader.push(bytes).flatMap(decode),
      end: () => reader.end().flatMap(decode),
    };
  },
};

function decoderOf(): (found: AnswerOrFault) => DecodedItem[] {
  let settings: readonly string[] | undefined;
  return (found) => {
    if ("fault" in found) return [found];
    const { function: code, fields } = found.answer;
    if (code === 1 && fields.length > 0) settings = fields;
    if (code !== 2) return [];
    try {
      return readings(fields, settings);
    } catch (error) {
      if (error instanceof DriverError) return [{ fault: error }];
      throw error;
    }
  };
}

function readings(fields: readonly string[], settings: readonly string[] | undefined): DecodedItem[] {
  const found = results(fields);
  if (found === undefined) return [];
  const said = settings === undefined ? undefined : profileSettings(settings, found.profile);
  const own: ProfileSettings = said ?? { weighting: "A", detector: "fast", isRunning: true };
  const note = said === undefined ? { assumed: ["weighting", "detector"] } : {};
  checkSettings({ ...own, isRunning: true }, "leq");
  const items: DecodedItem[] = [];
  if (found.splDb !== undefined) {
    checkSettings({ ...own, isRunning: true }, "spl");
    items.push({ reading: { ...levelOf(found, own.detector, "spl"), ...note } });
  }
  const { durationS } = found;
  const span = durationS === undefined ? {} : { durationS };
  return [...items, ...measurementsOf(found).map((one) => ({ reading: { ...one, ...span, ...note } }))];
}
