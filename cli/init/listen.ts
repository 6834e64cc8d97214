import { setTimeout as wait } from "node:timers/promises";
import { openPort } from "../../drivers/bus/bus-registry.ts";
import { cemCapture } from "../../drivers/cem-noise/capture.ts";
import type { BusPort } from "../../drivers/driver.ts";
import { NmeaCapture } from "../../drivers/gps-nmea/capture.ts";
import { SentenceReader } from "../../drivers/gps-nmea/sentence.ts";

/** A device that talks unasked, and what it said. */
export type Talker =
  | {
      readonly driver: "gps-nmea";
      readonly baudRate?: number;
      readonly latitudeDeg?: number;
      readonly longitudeDeg?: number;
    }
  | { readonly driver: "cem-noise"; readonly model: "cem-dt885x" | "pce-322a"; readonly baudRate?: number };

/** A receiver sends each second. */
const LISTEN_MS = 2300;
const LEAST_SENTENCES = 2;
const LEAST_LEVELS = 10;
const TALK_RATES = [9600, 4800, 38_400, 115_200];

/** Listens without asking, on a serial port at the usual speeds. @returns undefined where nobody is understood */
export async function listen(
  port: BusPort,
  onTry?: (baudRate: number, share: number) => void,
): Promise<Talker | undefined> {
  const rates = "serial" in port ? TALK_RATES : [undefined];
  for (const [at, baudRate] of rates.entries()) {
    if (baudRate !== undefined) onTry?.(baudRate, at / rates.length);
    const bytes = await hear(port, baudRate);
    // A line that is silent at one speed is silent at all.
    if (bytes.length === 0) return undefined;
    const talker = talkerOf(bytes);
    if (talker !== undefined) return { ...talker, ...(baudRate !== undefined && { baudRate }) };
  }
  return undefined;
}

/** Whose talk these bytes are. */
export function talkerOf(bytes: Uint8Array): Talker | undefined {
  const sentences = new SentenceReader().push(bytes).filter((found) => "sentence" in found).length;
  if (sentences >= LEAST_SENTENCES) return { driver: "gps-nmea", ...placeIn(bytes) };
  for (const model of ["cem-dt885x", "pce-322a"] as const) {
    const decoder = cemCapture.decoder(model);
    const levels = [...decoder.push(bytes), ...decoder.end()].filter((item) => "reading" in item).length;
    if (levels >= LEAST_LEVELS) return { driver: "cem-noise", model };
  }
  return undefined;
}

function placeIn(bytes: Uint8Array): { latitudeDeg?: number; longitudeDeg?: number } {
  const capture = new NmeaCapture();
  const last = [...capture.push(bytes), ...capture.end()].findLast((item) => "reading" in item);
  if (last === undefined || !("reading" in last)) return {};
  const { latitudeDeg, longitudeDeg } = last.reading;
  return { latitudeDeg, longitudeDeg };
}

async function hear(port: BusPort, baudRate: number | undefined): Promise<Uint8Array> {
  await using link = await openPort(port, baudRate === undefined ? {} : { baudRate });
  const chunks: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of link) chunks.push(chunk);
  })();
  await Promise.race([wait(LISTEN_MS), reading]);
  reading.catch(() => undefined);
  return Buffer.concat(chunks);
}
