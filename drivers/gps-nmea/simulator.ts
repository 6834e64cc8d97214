import { setTimeout as wait } from "node:timers/promises";
import { GPS_ROLLOVER_MS } from "../../protocol/believable-date.ts";
import type { TcpAddress } from "../driver.ts";
import { AsyncQueue } from "../net/async-queue.ts";
import { type SimulatorListen, type SimulatorServer, serveSimulator } from "../net/simulator-listen.ts";
import { openUdpLink } from "../net/udp-link.ts";
import { formatSentence } from "./sentence.ts";

export interface SimulatedPosition {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly altitudeM?: number;
  readonly speedMps?: number;
  readonly bearingDeg?: number;
}

/** How a simulated receiver writes. */
export interface ReceiverStyle {
  /** GN unless told: BD and GB are the two spellings of BeiDou. */
  readonly talker?: string;
  /** Its week counter has wrapped: it says a date 1024 weeks too early beside a valid fix. */
  readonly hasWrapped?: boolean;
  /** Mode of RMC and VTG, quality of GGA: A autonomous, D differential, E dead reckoning, S simulated. */
  readonly mode?: keyof typeof QUALITIES;
}

export interface GpsSimulatorOptions {
  /** A port that others open, or where to send datagrams. */
  readonly listen: SimulatorListen | { readonly udp: TcpAddress };
  readonly style?: ReceiverStyle;
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

const QUALITIES = { A: 1, D: 2, R: 4, E: 6, S: 8 } as const;
export const RECEIVER_MODES = Object.keys(QUALITIES);
const KNOTS_PER_MPS = 3600 / 1852;
const MAX_WAITING_EPOCHS = 4;

/** A receiver that sends RMC, VTG, GGA, GSA, GSV, GLL and ZDA each period to all who listen. */
export async function startGpsSimulator(options: GpsSimulatorOptions): Promise<GpsSimulator> {
  const { positionAt, periodMs = 1000, nowMs = Date.now, style = {} } = options;
  const listeners = new Set<AsyncQueue<Uint8Array>>();
  const stop = new AbortController();
  const server = await serveAll(options.listen, listeners);
  const sending = (async () => {
    for (;;) {
      const atMs = Math.floor(nowMs() / periodMs) * periodMs;
      const bytes = Buffer.from(epochSentences(atMs, positionAt(atMs), style).join(""));
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

async function serveAll(
  listen: GpsSimulatorOptions["listen"],
  listeners: Set<AsyncQueue<Uint8Array>>,
): Promise<SimulatorServer> {
  if ("udp" in listen) {
    const socket = await openUdpLink({ remote: listen.udp });
    const epochs = new AsyncQueue<Uint8Array>(MAX_WAITING_EPOCHS);
    listeners.add(epochs);
    const sent = (async () => {
      // Nobody need listen: what is refused is lost, as from a real one.
      for await (const epoch of epochs) await socket.send(epoch).catch(() => undefined);
    })();
    return {
      async close() {
        await sent;
        await socket[Symbol.asyncDispose]();
      },
    };
  }
  return serveSimulator(listen, async (link) => {
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
}

/** One epoch as a receiver writes it. */
export function epochSentences(
  atMs: number,
  position: SimulatedPosition | undefined,
  { talker = "GN", hasWrapped = false, mode = "A" }: ReceiverStyle = {},
): string[] {
  const saidMs = hasWrapped ? atMs - GPS_ROLLOVER_MS : atMs;
  const [date = "", clock = ""] = new Date(saidMs).toISOString().slice(0, -1).split("T");
  const [year = "", month = "", day = ""] = date.split("-");
  const time = clock.replaceAll(":", "").slice(0, 9);
  const shortDate = `${day}${month}${year.slice(2)}`;
  const say = (body: string) => formatSentence(talker + body);
  const zda = say(`ZDA,${time},${day},${month},${year},00,00`);
  if (position === undefined) {
    return [
      say(`RMC,${time},V,,,,,,,${shortDate},,,N`),
      say(`GGA,${time},,,,,0,00,99.99,,,,,,`),
      say("GSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99"),
      ...skyOf(talker, 3, 21),
      zda,
    ];
  }
  const { latitudeDeg, longitudeDeg, altitudeM = 40, speedMps = 0, bearingDeg = 0 } = position;
  const place = `${angle(latitudeDeg, 2)},${latitudeDeg < 0 ? "S" : "N"},${angle(longitudeDeg, 3)},${longitudeDeg < 0 ? "W" : "E"}`;
  const knots = (speedMps * KNOTS_PER_MPS).toFixed(3);
  const course = bearingDeg.toFixed(2);
  const status = mode === "S" ? "V" : "A";
  return [
    say(`RMC,${time},${status},${place},${knots},${course},${shortDate},,,${mode}`),
    say(`VTG,${course},T,,M,${knots},N,${(speedMps * 3.6).toFixed(3)},K,${mode}`),
    say(`GGA,${time},${place},${QUALITIES[mode]},12,0.80,${altitudeM.toFixed(1)},M,-8.0,M,,`),
    say("GSA,A,3,05,07,13,15,20,24,28,30,,,,,1.50,0.80,1.27"),
    ...skyOf(talker, 12, 44),
    say(`GLL,${place},${time},${status},${mode}`),
    zda,
  ];
}

/** GSV, four satellites a page; GN never writes it, its constellations do. */
function skyOf(talker: string, count: number, strongestDbHz: number): string[] {
  const pages = Math.ceil(count / 4);
  return Array.from({ length: pages }, (_, page) => {
    const satellites = Array.from({ length: Math.min(4, count - page * 4) }, (__, index) => {
      const id = String(page * 4 + index + 1).padStart(2, "0");
      return `${id},${40 - index * 5},${String((page * 90 + index * 20) % 360).padStart(3, "0")},${strongestDbHz - index}`;
    });
    return formatSentence(
      `${talker === "GN" ? "GP" : talker}GSV,${pages},${page + 1},${String(count).padStart(2, "0")},${satellites.join(",")}`,
    );
  });
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
