import { withCrc } from "../drivers/bus/crc16.ts";
import { cemMessages, pceFrame } from "../drivers/cem-noise/simulator.ts";
import { epochSentences } from "../drivers/gps-nmea/simulator.ts";
import { epochLines } from "../drivers/gpsd/simulator.ts";
import { composeFrame, composeSegment } from "../drivers/hj212/compose.ts";
import { encodeFrame } from "../drivers/jt808/frame.ts";
import { encodeLocation } from "../drivers/jt808/location.ts";
import { answerTo } from "../drivers/svantek-noise/simulator.ts";
import { encodeShortReport, SHORT_REPORT_BITS } from "../drivers/tetra-pei/lip-encode.ts";

/** What a decoder is fed: good frames as a device sends them. A new decoder adds one; a test says when it is missing. */
export interface DecoderSample {
  /** Of CAPTURES in drivers/registry.ts. */
  readonly kind: string;
  readonly profile?: string;
  readonly frames: readonly Uint8Array[];
  /** The byte that ends a frame; absent: its length says where it ends. */
  readonly endByte?: number;
  /** Each frame carries a checksum that finds any one wrong byte. */
  readonly hasChecksum: boolean;
}

const LINE_FEED = 0x0a;
const SEMICOLON = 0x3b;
const MARK = 0x7e;
const AT_MS = Date.UTC(2026, 10, 21, 15, 0, 7);
const PLACE = { latitudeDeg: 39.912, longitudeDeg: 116.456, altitudeM: 44.5, speedMps: 8, bearingDeg: 270 };
const REPORT = Buffer.from(encodeShortReport({ ...PLACE, reason: 0 }))
  .toString("hex")
  .toUpperCase();

export const DECODER_SAMPLES: readonly DecoderSample[] = [
  { kind: "nmea", frames: texts(epochSentences(AT_MS, PLACE)), endByte: LINE_FEED, hasChecksum: true },
  {
    kind: "gpsd",
    frames: [AT_MS, AT_MS + 1000].flatMap((atMs) =>
      texts(
        Buffer.from(epochLines("/dev/ttyUSB0", atMs, PLACE))
          .toString()
          .match(/[^\n]*\n/g) ?? [],
      ),
    ),
    endByte: LINE_FEED,
    hasChecksum: false,
  },
  {
    kind: "hj212",
    frames: ["LA-Rtd=65.3,LA-Flag=N", "LA-Rtd=65.3,LA-Flag=N;a34004-Rtd=35.0,a34004-Flag=N"].map(station),
    endByte: LINE_FEED,
    hasChecksum: true,
  },
  {
    kind: "tetra",
    // Status and text as published: test/traces/tetra-pei/pei-messages.trace.
    frames: texts([
      `+CTSDSR: 12,2269001,0,9999,0,${SHORT_REPORT_BITS}\r\n${REPORT}\r\n`,
      "+CTSDSR: 13,1234567,0,2345678,0,16\r\n8004\r\n",
      "+CTSDSR: 12,23404,0,23401,0,112\r\n82040801476A61746A616A676A61\r\n",
    ]),
    hasChecksum: false,
  },
  { kind: "lip", frames: texts([`${REPORT}\r\n`]), endByte: LINE_FEED, hasChecksum: false },
  { kind: "jt808", frames: [terminal()], endByte: MARK, hasChecksum: true },
  {
    kind: "modbus-noise",
    frames: [withCrc(Uint8Array.of(1, 3, 0, 0, 0, 1)), withCrc(Uint8Array.of(1, 3, 2, 2, 0x18))],
    hasChecksum: true,
  },
  {
    kind: "modbus-io",
    frames: [withCrc(Uint8Array.of(1, 2, 1, 0b101)), withCrc(Uint8Array.of(1, 5, 0, 0, 0xff, 0))],
    hasChecksum: true,
  },
  {
    kind: "cem",
    profile: "cem-dt885x",
    frames: Array.from({ length: 10 }, (_, count) => cemMessages(65.3, {}, count)),
    hasChecksum: false,
  },
  { kind: "cem", profile: "pce-322a", frames: [pceFrame(65.3, {})], hasChecksum: false },
  {
    kind: "svantek",
    frames: texts(["1", "2,1,T?,V?,v?,S?,R?"].map((query) => answerTo(query, { levelAt: () => 65.3 }))),
    endByte: SEMICOLON,
    hasChecksum: false,
  },
];

function texts(lines: readonly string[]): Uint8Array[] {
  return lines.map((line) => Buffer.from(line));
}

function station(values: string): Uint8Array {
  const head = { qn: "20261121150007000", system: "23", command: 2011, password: "123456", edition: 2017 } as const;
  return composeFrame(composeSegment({ ...head, mn: "010000A8900016F000169DC0" }, `DataTime=20261121150007;${values}`));
}

function terminal(): Uint8Array {
  const body = encodeLocation({ ...PLACE, atMs: AT_MS, alarmBits: 0 });
  return encodeFrame({ messageId: 0x0200, edition: "2013", phone: "013912345678", serial: 7, body });
}
