import { setTimeout as wait } from "node:timers/promises";
import { type SimulatorListen, serveSimulator } from "../net/simulator-listen.ts";
import type { CemModel } from "./config.ts";

export interface CemSimulatorOptions {
  readonly listen: SimulatorListen;
  readonly model?: CemModel;
  /** dB; null: the meter is switched off. */
  readonly levelAt: (atMs: number) => number | null;
  /** Asked for each value, so that keys may be pressed while it runs. */
  readonly keys?: () => CemKeys;
  /** Default 50. */
  readonly periodMs?: number;
  readonly nowMs?: () => number;
}

export interface CemKeys {
  readonly weighting?: "A" | "C";
  readonly timeWeighting?: "fast" | "slow";
  readonly isHeld?: boolean;
  readonly isBatteryLow?: boolean;
}

export interface CemSimulator {
  readonly port?: number;
  close(): Promise<void>;
}

/** What the meter says of itself is said again each tenth value. */
const STATE_EVERY = 10;

/** A meter that streams its level about 20 times a second to all who listen. */
export async function startCemSimulator(options: CemSimulatorOptions): Promise<CemSimulator> {
  const { model = "cem-dt885x", levelAt, periodMs = 50, nowMs = Date.now, keys = () => ({}) } = options;
  const stop = new AbortController();
  const server = await serveSimulator(options.listen, async (link) => {
    const gone = new AbortController();
    let isAsked = model !== "pce-322a";
    void (async () => {
      try {
        for await (const bytes of link) isAsked ||= bytes.includes(0xac);
      } catch {
        // The listener went away.
      }
      gone.abort();
    })();
    const signal = AbortSignal.any([stop.signal, gone.signal]);
    for (let count = 0; !signal.aborted; count++) {
      const levelDb = levelAt(nowMs());
      if (levelDb !== null && isAsked) {
        const bytes = model === "pce-322a" ? pceFrame(levelDb, keys()) : cemMessages(levelDb, keys(), count);
        await link.write(bytes);
      }
      await wait(periodMs, undefined, { signal }).catch(() => undefined);
    }
  });
  return {
    ...(server.port !== undefined && { port: server.port }),
    async close() {
      stop.abort();
      await server.close();
    },
  };
}

/** One value, and each tenth time the state before it. */
export function cemMessages(levelDb: number, keys: CemKeys, count = 0): Uint8Array {
  const { weighting = "A", timeWeighting = "fast", isHeld = false, isBatteryLow = false } = keys;
  const range = levelDb > 130 ? 0x07 : levelDb < 30 ? 0x08 : 0x11;
  const state = [
    ...[0xa5, timeWeighting === "fast" ? 0x02 : 0x03],
    ...[0xa5, weighting === "A" ? 0x1b : 0x1c, 0x00],
    ...[0xa5, isHeld ? 0x04 : 0x0e],
    ...[0xa5, isBatteryLow ? 0x0f : 0x1f],
    ...[0xa5, range],
  ];
  const digits = Math.round(Math.max(0, Math.min(999.9, levelDb)) * 10)
    .toString()
    .padStart(4, "0");
  const value = [0xa5, 0x0d, Number.parseInt(digits.slice(0, 2), 16), Number.parseInt(digits.slice(2), 16), 0xa5, 0x0c];
  return Uint8Array.from(count % STATE_EVERY === 0 ? [...state, ...value] : value);
}

export function pceFrame(
  levelDb: number,
  { weighting = "A", timeWeighting = "fast", isHeld = false }: CemKeys,
): Uint8Array {
  const counts = Math.round(levelDb * 10);
  const frame = new Uint8Array(13);
  frame.set([0x7f, counts >>> 8, counts & 0xff, (weighting === "C" ? 1 : 0) | (timeWeighting === "slow" ? 2 : 0)]);
  frame[4] = isHeld ? 4 : 0;
  return frame;
}
