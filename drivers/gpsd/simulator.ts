import { setTimeout as wait } from "node:timers/promises";
import { AsyncQueue } from "../net/async-queue.ts";
import { type SimulatorListen, type SimulatorServer, serveSimulator } from "../net/simulator-listen.ts";

export interface SimulatedFix {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly altitudeM?: number;
  readonly speedMps?: number;
  readonly bearingDeg?: number;
}

export interface GpsdSimulatorOptions {
  readonly listen: SimulatorListen;
  /** Where the receiver is at that time; undefined: it has no fix. */
  readonly positionAt: (atMs: number) => SimulatedFix | undefined;
  /** Path of its one receiver; undefined: it has none. */
  readonly receiver?: string | undefined;
  /** Default 1000. */
  readonly periodMs?: number;
  readonly nowMs?: () => number;
  /** Protocol of its greeting; default 3.14. */
  readonly protocol?: readonly [major: number, minor: number];
  /** `status` of its reports: 2 DGPS, 5 dead reckoning, 8 simulated … */
  readonly status?: number;
}

export interface GpsdSimulator {
  readonly port?: number;
  /** As when the plug is pulled behind gpsd. */
  unplug(): void;
  close(): Promise<void>;
}

const MAX_WAITING_EPOCHS = 4;
const LONGEST_REQUEST_BYTES = 1024;

/** A gpsd with one receiver: greets, waits for WATCH, then writes each epoch in two TPV and a SKY, as the real one does. */
export async function startGpsdSimulator(options: GpsdSimulatorOptions): Promise<GpsdSimulator> {
  const { positionAt, periodMs = 1000, nowMs = Date.now, receiver = "/dev/ttyACM0", status } = options;
  const [major, minor] = options.protocol ?? [3, 14];
  const listeners = new Set<AsyncQueue<Uint8Array>>();
  const stop = new AbortController();
  let isPlugged = "receiver" in options ? options.receiver !== undefined : true;
  const device = () => ({
    class: "DEVICE",
    path: receiver,
    activated: isPlugged ? new Date(nowMs()).toISOString() : 0,
  });
  const server: SimulatorServer = await serveSimulator(options.listen, async (link) => {
    const epochs = new AsyncQueue<Uint8Array>(MAX_WAITING_EPOCHS);
    await link.write(
      lineOf({ class: "VERSION", release: "simulated", rev: "simulated", proto_major: major, proto_minor: minor }),
    );
    const gone = (async () => {
      let request = "";
      for await (const bytes of link) {
        request = (request + Buffer.from(bytes).toString("latin1")).slice(-LONGEST_REQUEST_BYTES);
        if (!/\?WATCH=\{[^}]*"enable":true[^}]*\};?\s*$/.test(request)) continue;
        request = "";
        epochs.push(lineOf({ class: "DEVICES", devices: isPlugged ? [device()] : [] }));
        epochs.push(lineOf({ class: "WATCH", enable: true, json: true, nmea: false, raw: 0, scaled: false }));
        listeners.add(epochs);
      }
    })()
      .catch(() => undefined)
      .finally(() => epochs.end());
    try {
      for await (const epoch of epochs) await link.write(epoch);
    } finally {
      listeners.delete(epochs);
    }
    await gone;
  });
  const say = (bytes: Uint8Array) => {
    for (const listener of listeners) listener.push(bytes);
  };
  const sending = (async () => {
    for (;;) {
      const atMs = Math.floor(nowMs() / periodMs) * periodMs;
      if (isPlugged) say(epochLines(receiver, atMs, positionAt(atMs), status));
      try {
        await wait(periodMs - (nowMs() % periodMs), undefined, { signal: stop.signal });
      } catch {
        return;
      }
    }
  })();
  return {
    ...(server.port !== undefined && { port: server.port }),
    unplug() {
      isPlugged = false;
      say(lineOf(device()));
    },
    async close() {
      stop.abort();
      await sending;
      for (const listener of listeners) listener.end();
      await server.close();
    },
  };
}

/** One epoch as gpsd writes it: the place first, the speed with a second report, then the sky. */
export function epochLines(
  receiver: string,
  atMs: number,
  position: SimulatedFix | undefined,
  status?: number,
): Uint8Array {
  const time = new Date(atMs).toISOString();
  const common = { class: "TPV", device: receiver, ...(status !== undefined && { status }) };
  if (position === undefined) {
    return Buffer.concat([lineOf({ ...common, mode: 1, time }), lineOf(sky(receiver, 3, 0, 21))]);
  }
  const { latitudeDeg: lat, longitudeDeg: lon, altitudeM = 40, speedMps = 0, bearingDeg } = position;
  const place = { ...common, mode: 3, time, ept: 0.005, lat, lon, altMSL: altitudeM, alt: altitudeM, eph: 4.2 };
  return Buffer.concat([
    lineOf(place),
    lineOf({ ...place, speed: speedMps, ...(bearingDeg !== undefined && { track: bearingDeg }) }),
    lineOf(sky(receiver, 12, 9, 44)),
  ]);
}

function sky(receiver: string, nSat: number, uSat: number, strongest: number): object {
  const satellites = Array.from({ length: nSat }, (_, index) => ({
    PRN: index + 1,
    gnssid: 3,
    svid: index + 1,
    el: 60 - index,
    az: (index * 29) % 360,
    ss: strongest - index,
    used: index < uSat,
  }));
  return { class: "SKY", device: receiver, hdop: 0.8, nSat, uSat, satellites };
}

function lineOf(report: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(report)}\r\n`);
}
