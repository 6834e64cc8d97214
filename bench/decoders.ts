import process from "node:process";
import { withCrc } from "../drivers/bus/crc16.ts";
import { cemMessages, pceFrame } from "../drivers/cem-noise/simulator.ts";
import { epochSentences } from "../drivers/gps-nmea/simulator.ts";
import { CAPTURES } from "../drivers/registry.ts";
import { answerTo } from "../drivers/svantek-noise/simulator.ts";
import { type BenchRow, report, rounded } from "./report.ts";

/** What a decoder is fed: frames as a device sends them. A new driver adds one line to SAMPLES. */
interface Sample {
  /** Of drivers/registry.ts. */
  readonly kind: string;
  readonly profile?: string;
  readonly frames: readonly Uint8Array[];
  /** The byte that ends a frame; absent: its length says where it ends. */
  readonly endByte?: number;
}

const LINE_FEED = 0x0a;
const SEMICOLON = 0x3b;
const TOTAL_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const ROUNDS = 3;

const SAMPLES: readonly Sample[] = [
  {
    kind: "nmea",
    frames: texts(epochSentences(1_700_000_000_000, { latitudeDeg: 39.9, longitudeDeg: 116.4 })),
    endByte: LINE_FEED,
  },
  {
    kind: "modbus-noise",
    frames: [withCrc(Uint8Array.of(1, 3, 0, 0, 0, 1)), withCrc(Uint8Array.of(1, 3, 2, 2, 0x18))],
  },
  {
    kind: "cem",
    profile: "cem-dt885x",
    frames: Array.from({ length: 10 }, (_, count) => cemMessages(65.3, {}, count)),
  },
  { kind: "cem", profile: "pce-322a", frames: [pceFrame(65.3, {})] },
  {
    kind: "svantek",
    frames: texts(["1", "2,1,T?,V?,v?,S?,R?"].map((query) => answerTo(query, { levelAt: () => 65.3 }))),
    endByte: SEMICOLON,
  },
];

/** Frames a second of each decoder, beside the cost of merely finding where each frame ends. */
async function main(): Promise<void> {
  const rows: BenchRow[] = [];
  for (const { kind, profile, frames, endByte } of SAMPLES) {
    const entry = CAPTURES.find((capture) => capture.kind === kind);
    if (entry === undefined) throw new Error(`no decoder is called ${kind}`);
    const format = await entry.load();
    const bytesOnce = frames.reduce((sum, frame) => sum + frame.length, 0);
    const repeats = Math.ceil(TOTAL_BYTES / bytesOnce);
    const bytes = Buffer.concat(Array.from({ length: repeats }, () => frames).flat());
    const count = repeats * frames.length;
    let faults = 0;
    const decodeMs = best(() => {
      const decoder = format.decoder(profile);
      const take = (items: readonly object[]) => {
        for (const item of items) if ("fault" in item) faults++;
      };
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) take(decoder.push(bytes.subarray(at, at + CHUNK_BYTES)));
      take(decoder.end());
    });
    if (faults > 0) throw new Error(`${kind} found ${faults} faults in good frames`);
    const lengths = frames.map((frame) => frame.length);
    const splitMs = best(() => split(bytes, endByte, lengths, count));
    const name = profile === undefined ? kind : `${kind} (${profile})`;
    rows.push({
      metric: name,
      value: rounded((count / decodeMs) * 1000),
      unit: "frames/s",
      goal: null,
      peer: null,
      limit: rounded((count / splitMs) * 1000),
      note: `${rounded(bytes.length / count)} bytes a frame, ${rounded(bytes.length / 1e6 / (decodeMs / 1000))} MB/s; limit: only splitting`,
    });
    process.stderr.write(`${name}: ${Math.round(decodeMs)} ms\n`);
  }
  report(rows);
}

/** The fastest of some rounds: what the machine does beside it is not the decoder's. */
function best(run: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    run();
    return performance.now() - startMs;
  });
  return Math.min(...times);
}

function split(bytes: Uint8Array, endByte: number | undefined, lengths: readonly number[], expected: number): void {
  const found: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end =
      endByte === undefined ? at + (lengths[found.length % lengths.length] ?? 1) : bytes.indexOf(endByte, at) + 1;
    found.push(bytes.subarray(at, end));
    at = end;
  }
  if (found.length !== expected) throw new Error(`split into ${found.length} frames instead of ${expected}`);
}

function texts(lines: readonly string[]): Uint8Array[] {
  return lines.map((line) => Buffer.from(line));
}

await main();
