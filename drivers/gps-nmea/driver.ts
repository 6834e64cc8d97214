import { GPS_ROLLOVER_MS, isBelievableDate } from "../../protocol/believable-date.ts";
import type { Driver, DriverContext } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { ahead } from "../net/ahead.ts";
import { withinQuiet } from "../net/within-quiet.ts";
import { gpsNmeaConfig } from "./config.ts";
import { decodeSentence } from "./decode.ts";
import { type Epoch, EpochAssembler } from "./epoch.ts";
import { SentenceReader } from "./sentence.ts";
import { openSource } from "./source.ts";

/** A receiver sends an epoch's sentences in one go: so much quiet ends it. */
const LONGEST_QUIET_MS = 200;
const NOISE_PER_FAULT_BYTES = 500;

export const gpsNmea: Driver<typeof gpsNmeaConfig> = {
  kind: "gps-nmea",
  config: gpsNmeaConfig,

  check({ serial, tcp, udp, udpFrom }) {
    const given = Object.entries({ serial, tcp, udp }).flatMap(([key, value]) => (value === undefined ? [] : key));
    if (given.length === 1 && (udpFrom === undefined || udp !== undefined)) return [];
    return [
      {
        pointer: "",
        message: given.length === 1 ? `udpFrom says nothing beside ${given[0]}` : `${listOf(given)} given`,
        hint: "Give the port of the receiver as serial: /dev/serial/by-id/…, its serial server as tcp: host:port, or where its datagrams arrive as udp: 0.0.0.0:10110.",
      },
    ];
  },

  async run(config, context) {
    const { clock, online, fault } = context;
    await using link = await openSource(config, context);
    const reader = new SentenceReader();
    const assembler = new EpochAssembler(config.metresPerHdop);
    const report = epochReporter(context);
    const quietMs = Math.min(LONGEST_QUIET_MS, config.periodMs / 3);
    const chunks = link[Symbol.asyncIterator]();
    let next = ahead(chunks);
    let openedAtMs = clock.nowMs();
    let noiseReported = 0;

    for (;;) {
      const chunk = await withinQuiet(next, assembler.isOpen ? quietMs : undefined, context.clock);
      if (chunk === "quiet") {
        await report(assembler.close(), openedAtMs);
        continue;
      }
      if (chunk.done === true) throw closed(link.peer);
      next = ahead(chunks);
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
          const finished = assembler.add(facts, found.sentence.talker, found.sentence.type);
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
    if (epoch?.denied !== undefined) fault(noFix(epoch.denied, epoch.view));
    if (epoch?.position === undefined) return;
    const { position, utcMs } = epoch;
    const isSane = utcMs !== undefined && isBelievableDate(utcMs);
    if (utcMs !== undefined && !isSane) fault(suspect(utcMs));
    await emit({ kind: "position", ...position, ...(isSane && { fixAtMs: utcMs }), atMs });
    // Dead reckoning goes by the receiver's own crystal, and so does its time.
    if (isSane && position.fix !== "estimated") await emit({ kind: "time", utcMs, source: "gnss", atMs });
  };
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
  const wrapped = [utcMs + GPS_ROLLOVER_MS, utcMs - GPS_ROLLOVER_MS].find((ms) => isBelievableDate(ms));
  const why = wrapped === undefined ? "" : `, 1024 weeks off ${new Date(wrapped).toISOString().slice(0, 10)}`;
  return new DriverError("GNSS_DATE_SUSPECT", `the receiver says ${new Date(utcMs).toISOString()}${why}`, {
    retry: "backoff",
    hint: "Its week counter has wrapped, or it has not heard the date yet. Positions are used, its time is not.",
  });
}

function noFix(denied: NonNullable<Epoch["denied"]>, view: Epoch["view"]): DriverError {
  if (denied === "none") {
    const seen = view && `; it sees ${view.satellites} satellites, the best with ${view.strongestDbHz} dB-Hz`;
    return new DriverError("GNSS_NO_FIX", `the receiver has no fix${seen ?? ""}`, {
      retry: "backoff",
      hint: "Let its antenna see the sky; after a cold start the first fix takes some minutes. A fix needs about 30 dB-Hz.",
    });
  }
  const made = denied === "simulated" ? "is simulated" : "was typed in";
  return new DriverError("GNSS_NOT_MEASURED", `the receiver says that its position ${made}`, {
    retry: "backoff",
    hint: "It is not recorded. Set the receiver to its normal mode.",
  });
}

function listOf(given: readonly string[]): string {
  return given.length === 0 ? "none of serial, tcp and udp is" : `${given.join(" and ")} are`;
}
