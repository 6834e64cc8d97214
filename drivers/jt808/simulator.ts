import { setTimeout as wait } from "node:timers/promises";
import type { ByteLink } from "../driver.ts";
import { openTcpLink } from "../net/tcp-client.ts";
import { type Edition, encodeFrame, type Frame, word } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import { gbkBytes, gbkText } from "./gbk.ts";
import { encodeLocation } from "./location.ts";
import { MESSAGE } from "./messages.ts";

export interface SimulatedPlace {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly speedMps?: number;
  readonly bearingDeg?: number;
}

export interface TerminalOptions {
  readonly host?: string;
  readonly port: number;
  readonly phone: string;
  readonly edition?: Edition;
  readonly plate?: string;
  /** Where the vehicle is; undefined: no fix. */
  readonly placeAt: (atMs: number) => SimulatedPlace | undefined;
  /** Between two locations. Default 10 s. */
  readonly periodMs?: number;
  /** Before the first location, so that many terminals do not report in step. */
  readonly delayMs?: number;
  readonly nowMs?: () => number;
  readonly onText?: (text: string) => void;
}

/** A vehicle terminal that registers, authenticates and drives. */
export interface SimulatedTerminal {
  /** Resolves when the server has taken its authentication; rejects where it refused, or the connection ended. */
  readonly ready: Promise<void>;
  /** Presses the emergency button: its bit is set until the server has confirmed the alarm. */
  pressSos(): void;
  readonly isSosSet: boolean;
  readonly acknowledged: number;
  close(): Promise<void>;
}

const SOS = 1;

/** Connects once; a connection that ends is not made again. */
export async function startTerminal(options: TerminalOptions): Promise<SimulatedTerminal> {
  const { host = "127.0.0.1", port, phone, edition = "2013", plate = "京A00001" } = options;
  const { placeAt, periodMs = 10_000, delayMs = 0, nowMs = Date.now, onText } = options;
  const link = await openTcpLink({ host, port });
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  let serial = 0;
  let isSosSet = false;
  let acknowledged = 0;
  const send = (messageId: number, body: Uint8Array) =>
    link.write(encodeFrame({ messageId, edition, phone, serial: serial++ & 0xffff, body }));

  const answer = async ({ messageId, serial: theirs, body }: Frame): Promise<void> => {
    if (messageId === MESSAGE.registerAck) {
      if (body[2] !== 0) return ready.reject(new Error(`registration refused: ${body[2]}`));
      await send(MESSAGE.authenticate, authentication(body.subarray(3), edition));
    } else if (messageId === MESSAGE.platformAck) {
      acknowledged += 1;
      const acked = ((body[2] ?? 0) << 8) | (body[3] ?? 0);
      if (acked === MESSAGE.authenticate) {
        if (body[4] === 0) ready.resolve();
        else ready.reject(new Error(`authentication refused: ${body[4]}`));
      }
      if (acked === MESSAGE.location && body[4] === 4) isSosSet = false;
    } else if (messageId === MESSAGE.text) {
      onText?.(gbkText(body.subarray(edition === "2019" ? 2 : 1)));
      await send(MESSAGE.terminalAck, Uint8Array.from([...word(theirs), ...word(messageId), 0]));
    }
  };
  const report = async (): Promise<void> => {
    const atMs = nowMs();
    const place = placeAt(atMs);
    const { latitudeDeg = 0, longitudeDeg = 0, speedMps = 0, bearingDeg = 0 } = place ?? {};
    const facts = { latitudeDeg, longitudeDeg, speedMps, bearingDeg, atMs, hasFix: place !== undefined };
    await send(MESSAGE.location, encodeLocation({ ...facts, alarmBits: isSosSet ? SOS : 0 }));
  };
  const listening = listen(link, answer).finally(() => {
    ready.reject(new Error("the connection ended"));
    stop.abort();
  });
  const driving = (async () => {
    try {
      await send(MESSAGE.register, registration(plate, edition));
      await ready.promise;
      await wait(delayMs, undefined, { signal: stop.signal });
      for (;;) {
        await report();
        await wait(periodMs, undefined, { signal: stop.signal });
      }
    } catch {
      // Refused, closed, or asked to end.
    }
  })();
  return {
    ready: ready.promise,
    pressSos() {
      isSosSet = true;
      void report().catch(() => undefined);
    },
    get isSosSet() {
      return isSosSet;
    },
    get acknowledged() {
      return acknowledged;
    },
    async close() {
      stop.abort();
      await link[Symbol.asyncDispose]();
      await Promise.all([listening, driving]);
    },
  };
}

async function listen(link: ByteLink, answer: (frame: Frame) => Promise<void>): Promise<void> {
  const reader = new FrameReader();
  try {
    for await (const chunk of link) {
      for (const found of reader.push(chunk)) if ("frame" in found) await answer(found.frame);
    }
  } catch {
    // The server went away.
  }
}

/** The body of 0100. */
export function registration(plate: string, edition: Edition): Uint8Array {
  const [maker, model, id] = edition === "2019" ? [11, 30, 30] : [5, 20, 7];
  const field = (text: string, length: number) => Buffer.concat([Buffer.from(text), Buffer.alloc(length)], length);
  const parts = [Uint8Array.of(0, 11, 0, 1), field("SHAO", maker), field("SIM-1", model), field("0000001", id)];
  return Uint8Array.from(Buffer.concat([...parts, Uint8Array.of(1), gbkBytes(plate)]));
}

/** The body of 0102. */
export function authentication(code: Uint8Array, edition: Edition): Uint8Array {
  if (edition === "2013") return Uint8Array.from(code);
  const [imei, version] = [Buffer.from("860000000000000"), Buffer.concat([Buffer.from("1.0")], 20)];
  return Uint8Array.from(Buffer.concat([Uint8Array.of(code.length), code, imei, version]));
}
