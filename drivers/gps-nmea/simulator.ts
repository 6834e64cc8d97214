import { setTimeout as wait } from "node:timers/promises";
import { AsyncQueue } from "../net/async-queue.ts";
import { type SimulatorListen, serveSimulator } from "../net/simulator-listen.ts";
import { formatSentence } from "./sentence.ts";

export interface SimulatedPosition {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly altitudeM?: number;
  readonly speedMps?: number;
  readonly bearingDeg?: number;
}

export interface GpsSimulatorOptions {
  readonly listen: SimulatorListen;
  /** Where the receiver is at that time; undefined: it has no fix. */
  readonly positionAt: (atMs: number) => SimulatedPosition | undefined;
  /** Default 1000. */
  readonly periodMs?: number;
  readonly nowMs?: () => number;
}

export interface GpsSimulator {
  /** The bound TCP port; absent on a serial line. */
  readonly port?: number;
  close(): Promise<void>;
}

const KNOTS_PER_MPS = 3600 / 1852;
const MAX_WAITING_EPOCHS = 4;

/** A receiver that sends GNRMC, GNGGA, GNGSA, GNVTG and GNZDA each period to all who listen. */
export async function startGpsSimulator(options: GpsSimulatorOptions): Promise<GpsSimulator> {
  const { positionAt, periodMs = 1000, nowMs = Date.now } = options;
  const listeners = new Set<AsyncQueue<Uint8Array>>();
  const stop = new AbortController();
  const server = await serveSimulator(options.listen, async (link) => {
    const epochs = new AsyncQueue<Uint8Array>(MAX_WAITING_EPOCHS);
    listeners.add(epochs);
    const gone = drain(link).finally(() => epochs.end());
    try {
      for await (const epoch of epochs) await link.write(epoch);
    } finally {
      listeners.delete(epochs);
    }
    await gone;
  });
  const sending = (async () => {
    for (;;) {
      const atMs = Math.floor(nowMs() / periodMs) * periodMs;
      const bytes = Buffer.from(epochSentences(atMs, positionAt(atMs)).join(""));
      for (const listener of listeners) listener.push(bytes);
      try {
        await wait(periodMs - (nowMs() % periodMs), undefined, { signal: stop.signal });
      } catch {
        return;
      }
    }
  })();
  return {
    ...(server.port !== undefined && { port: server.port }),
    async close() {
      stop.abort();
      await sending;
      for (const listener of listeners) listener.end();
      await server.close();
    },
  };
}

/** One epoch as a receiver writes it. */
export function epochSentences(atMs: number, position: SimulatedPosition | undefined): string[] {
  const [date = "", clock = ""] = new Date(atMs).toISOString().slice(0, -1).split("T");
  const [year = "", month = "", day = ""] = date.split("-");
  const time = clock.replaceAll(":", "").slice(0, 9);
  const shortDate = `${day}${month}${year.slice(2)}`;
  const zda = formatSentence(`GNZDA,${time},${day},${month},${year},00,00`);
  if (position === undefined) {
    return [
      formatSentence(`GNRMC,${time},V,,,,,,,${shortDate},,,N`),
      formatSentence(`GNGGA,${time},,,,,0,00,99.99,,,,,,`),
      formatSentence("GNGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99"),
      zda,
    ];
  }
  const { latitudeDeg, longitudeDeg, altitudeM = 40, speedMps = 0, bearingDeg = 0 } = position;
  const place = `${angle(latitudeDeg, 2)},${latitudeDeg < 0 ? "S" : "N"},${angle(longitudeDeg, 3)},${longitudeDeg < 0 ? "W" : "E"}`;
  const knots = (speedMps * KNOTS_PER_MPS).toFixed(3);
  const course = bearingDeg.toFixed(2);
  return [
    formatSentence(`GNRMC,${time},A,${place},${knots},${course},${shortDate},,,A`),
    formatSentence(`GNVTG,${course},T,,M,${knots},N,${(speedMps * 3.6).toFixed(3)},K,A`),
    formatSentence(`GNGGA,${time},${place},1,12,0.80,${altitudeM.toFixed(1)},M,-8.0,M,,`),
    formatSentence("GNGSA,A,3,05,07,13,15,20,24,28,30,,,,,1.50,0.80,1.27"),
    zda,
  ];
}

/** ddmm.mmmmmm */
function angle(valueDeg: number, degreeDigits: number): string {
  const micro = Math.round(Math.abs(valueDeg) * 60 * 1e6);
  const degrees = Math.floor(micro / 60e6);
  const minutes = ((micro - degrees * 60e6) / 1e6).toFixed(6);
  return `${String(degrees).padStart(degreeDigits, "0")}${minutes.padStart(9, "0")}`;
}

async function drain(link: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const _ of link) {
      // A receiver without commands.
    }
  } catch {
    // The listener went away.
  }
}
