import process from "node:process";
import { CAPTURES } from "../drivers/registry.ts";
import { DECODER_SAMPLES } from "./decoder-samples.ts";
import { type BenchRow, report, rounded } from "./report.ts";

const TOTAL_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const ROUNDS = 3;

/** Frames a second of each decoder, beside the cost of merely finding where each frame ends. */
async function main(): Promise<void> {
  const rows: BenchRow[] = [];
  for (const { kind, profile, frames, endByte } of DECODER_SAMPLES) {
    const entry = CAPTURES.find((capture) => capture.kind === kind);
    if (entry === undefined) throw new Error(`no decoder is called ${kind}`);
    const format = await entry.load();
    const bytesOnce = frames.reduce((sum, frame) => sum + frame.length, 0);
    const repeats = Math.ceil(TOTAL_BYTES / bytesOnce);
    const bytes = Buffer.concat(Array.from({ length: repeats }, () => frames).flat());
    const count = repeats * frames.length;
    let faults = 0;
    let readings = 0;
    const decodeMs = best(() => {
      const decoder = format.decoder(profile);
      const take = (items: readonly object[]) => {
        for (const item of items)
          if ("fault" in item) faults++;
          else readings++;
      };
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) take(decoder.push(bytes.subarray(at, at + CHUNK_BYTES)));
      take(decoder.end());
    });
    if (faults > 0) throw new Error(`${kind} found ${faults} faults in good frames`);
    if (readings === 0) throw new Error(`${kind} read nothing in good frames`);
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
      endByte === undefined ? at + (lengths[found.length % lengths.length] ?? 1) : bytes.indexOf(endByte, at + 1) + 1;
    found.push(bytes.subarray(at, end));
    at = end;
  }
  if (found.length !== expected) throw new Error(`split into ${found.length} frames instead of ${expected}`);
}

await main();
