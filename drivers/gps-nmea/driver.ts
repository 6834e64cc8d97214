import type { ByteLink, Driver, DriverContext } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { parseTcpAddress } from "../net/tcp-address.ts";
import { type GpsNmeaConfig, gpsNmeaConfig } from "./config.ts";
import { isSaneDate } from "./date-sanity.ts";
import { decodeSentence } from "./decode.ts";
import { type Epoch, EpochAssembler } from "./epoch.ts";
import { SentenceReader } from "./sentence.ts";

/** A receiver sends an epoch's sentences in one go: so much quiet ends it. */
const LONGEST_QUIET_MS = 200;
const NOISE_PER_FAULT_BYTES = 500;

export const gpsNmea: Driver<typeof gpsNmeaConfig> = {
  kind: "gps-nmea",
  config: gpsNmeaConfig,

  check({ serial, tcp }) {
    if ((serial === undefined) !== (tcp === undefined)) return [];
    return [
      {
        pointer: "",
        message: serial === undefined ? "neither serial nor tcp is given" : "both serial and tcp are given",
        hint: "Give the port of the receiver as serial: /dev/serial/by-id/…, or its serial server as tcp: host:port.",
      },
    ];
  },

  async run(config, context) {
    const { clock, online, fault } = context;
    await using link = await open(config, context);
    const reader = new SentenceReader();
    const assembler = new EpochAssembler();
    const report = epochReporter(context);
    const quietMs = Math.min(LONGEST_QUIET_MS, config.periodMs / 3);
    const chunks = link[Symbol.asyncIterator]();
    let next = chunks.next();
    let openedAtMs = clock.nowMs();
    let noiseReported = 0;

    for (;;) {
      const chunk = await withinQuiet(next, assembler.isOpen ? quietMs : undefined, context);
      if (chunk === "quiet") {
        await report(assembler.close(), openedAtMs);
        continue;
      }
      if (chunk.done === true) throw closed(link.peer);
      next = chunks.next();
      for (const found of reader.push(chunk.value)) {
        if ("fault" in found) {
          fault(found.fault);
          continue;
        }
        online();
        try {
          const facts = decodeSentence(found.sentence);
          if (facts === undefined) continue;
          const isFirst = !assembler.isOpen;
          const finished = assembler.add(facts, found.sentence.talker + found.sentence.type);
          if (finished !== undefined) await report(finished, openedAtMs);
          if (isFirst || finished !== undefined) openedAtMs = clock.nowMs();
        } catch (error) {
          if (!(error instanceof DriverError)) throw error;
          fault(error);
        }
      }
      if (reader.noiseBytes - noiseReported >= NOISE_PER_FAULT_BYTES) {
        noiseReported = reader.noiseBytes;
        fault(rubbish(link.peer));
      }
    }
  },
};

function epochReporter({ emit, fault }: DriverContext): (epoch: Epoch | undefined, atMs: number) => Promise<void> {
  return async (epoch, atMs) => {
    if (epoch?.position === undefined) return;
    const { position, utcMs } = epoch;
    const isSane = utcMs !== undefined && isSaneDate(utcMs);
    if (utcMs !== undefined && !isSane) fault(suspect(utcMs));
    await emit({ kind: "position", ...position, ...(isSane && { fixAtMs: utcMs }), atMs });
    if (isSane && position.fix !== "estimated") await emit({ kind: "time", utcMs, source: "gnss", atMs });
  };
}

function open({ serial, tcp, baudRate }: GpsNmeaConfig, context: DriverContext): Promise<ByteLink> {
  if (serial !== undefined) return context.openSerial(serial, { baudRate });
  return context.openTcp(parseTcpAddress(tcp ?? ""));
}

/** The next chunk, or "quiet" when none comes within `quietMs`. */
async function withinQuiet<T>(
  next: Promise<T>,
  quietMs: number | undefined,
  { clock }: DriverContext,
): Promise<T | "quiet"> {
  if (quietMs === undefined) return next;
  const heard = new AbortController();
  try {
    return await Promise.race([next, clock.sleep(quietMs, heard.signal).then(() => "quiet" as const)]);
  } finally {
    heard.abort();
  }
}

function closed(peer: string): DriverError {
  return new DriverError("CONNECTION_LOST", `${peer} closed the connection`, {
    retry: "backoff",
    hint: "Serial servers allow few clients at once: is another one connected?",
  });
}

function rubbish(peer: string): DriverError {
  return new DriverError("NMEA_FRAMING", `${peer} sends bytes that are no NMEA 0183`, {
    retry: "backoff",
    hint: "Check the baud rate (9600 and 4800 are usual, 115200 on newer receivers) and the receiver's protocol.",
  });
}

function suspect(utcMs: number): DriverError {
  return new DriverError("GNSS_DATE_SUSPECT", `the receiver says ${new Date(utcMs).toISOString()}`, {
    retry: "backoff",
    hint: "Its week counter has wrapped, or it has not seen enough satellites yet. Positions are used, its time is not.",
  });
}
