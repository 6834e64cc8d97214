// Makes protocol/dictionary-1.ts: what most packets have in common, learnt from made-up ones by Debian's `zstd --train`.
// A dictionary that has gone out never changes: another one gets another number.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../cli/sim/seeded-random.ts";
import { levelStatistics, roundedStatistics } from "../gateway/pipeline/level-statistics.ts";
import { encodeEnvelope } from "../protocol/envelope.ts";
import { encodeReceiptMessage } from "../protocol/hello.ts";
import { encodeLevels } from "../protocol/level-series.ts";
import type { NewRecord } from "../protocol/record.ts";
import { encodeRecord } from "../protocol/record-encode.ts";

const DICTIONARY_BYTES = 2048;
/** From the range that zstd leaves to everybody; two bytes of a frame's head. */
const DICTIONARY_ID = 53_761;
const SAMPLES = 1200;
const START_MS = 1_790_000_000_000;

const random = seededRandom(1);
const between = (from: number, to: number, digits = 0) => Number((from + random() * (to - from)).toFixed(digits));
const pick = <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
const id = () => bytes(16).toString("base64url");
const uuid = () => {
  const hex = bytes(16).toString("hex");
  return `01990${hex.slice(0, 3)}-${hex.slice(3, 7)}-7${hex.slice(7, 10)}-8${hex.slice(10, 13)}-${hex.slice(13, 25)}`;
};

function samples(): readonly Uint8Array[] {
  return Array.from({ length: SAMPLES }, (_, n) => {
    if (n % 6 === 0) return receipt(n);
    const seq = 1 + n * between(1, 300);
    const upMs = seq * between(9_000, 40_000);
    const atMs = START_MS + n * 60_000 * between(1, 200) + between(0, 1000);
    const head = { upMs, atMs, timeQuality: pick("gnss", "ntp", "ntp", "rtc") } as const;
    const record = {
      ...head,
      ...pick(minute, minute, minute, minute, health, health, alarm, alarm, position, measurement, device)(atMs),
    };
    const items = [encodeRecord(seq, record as NewRecord)];
    return encodeEnvelope({ run: id(), head: seq, upMs: upMs + between(0, 90) }, items, "plain");
  });
}

function receipt(seq: number): Uint8Array {
  const of = { v: 1, bridge: id(), epoch: id() } as const;
  if (random() < 0.2) return encodeReceiptMessage({ ...of, type: "blob", blob: sha256(), next: between(0, 900_000) });
  return encodeReceiptMessage({ ...of, type: "receipt", run: id(), ranges: [[seq + 1, seq + 1]], refused: [] });
}

const sha256 = () => bytes(32).toString("hex");
const noiseDevice = () => pick("noise", "noise-1", "meter", "noise-north");

function minute(atMs: number): Pick<NewRecord, "kind" | "device" | "body"> {
  const base = between(45, 70, 1);
  const swing = between(0.5, 8, 1);
  const seconds = Array.from({ length: 60 }, (_, s) => ({
    levelDb: base + swing * Math.sin(s / 7) + swing * (random() - 0.5),
    flags: [],
  }));
  return {
    kind: "noise",
    device: noiseDevice(),
    body: {
      quantity: pick("LAeq1s", "LAeq1s", "LAF", "LAS"),
      series: encodeLevels(Math.floor(atMs / 60_000) * 60_000 - 60_000, seconds),
      statistics: roundedStatistics(levelStatistics(seconds)),
    },
  } as Pick<NewRecord, "kind" | "device" | "body">;
}

function health(): Pick<NewRecord, "kind" | "device" | "body"> {
  return {
    kind: "health",
    body: {
      rssBytes: 4096 * between(20_000, 60_000),
      cpuPct: between(0.3, 6, 2),
      eventLoopDelayP99Ms: between(1, 50, 2),
      journalBytes: 4096 * between(12, 60_000),
      freeDiskBytes: 4096 * between(100_000, 20_000_000),
      unsentRecords: pick(0, 0, 1, 12),
      evidenceBytes: pick(0, 812_345),
      unsentEvidenceFiles: 0,
      unsentEvidenceBytes: 0,
      laneDepth: [0, 0, pick(0, 0, 1), 0, 0],
      hoursToFull: between(100, 20_000, 1),
      reserveHeld: true,
      journalFull: false,
      alarmStoreFull: false,
      rttMs: between(3, 900),
      missedPolls: 0,
      devices: pick({ noise: "online" }, { "noise-1": "online", gps: "online" }, { noise: "online", camera: "online" }),
    },
  };
}

function alarm(atMs: number): Pick<NewRecord, "kind" | "device" | "body"> {
  const phase = pick("raised", "updated", "updated", "cleared");
  const window = { fromMs: atMs - 10_000, toMs: atMs, n: 10, valid: 10 };
  return {
    kind: "alarm",
    device: noiseDevice(),
    body: {
      alarmId: uuid(),
      rev: phase === "raised" ? 1 : between(2, 40),
      phase,
      family: "noise",
      nature: "condition",
      rule: pick("night", "night-noise", "noise-70"),
      ruleKind: "trigger",
      raisedAtMs: atMs - between(0, 600_000),
      stateAtMs: atMs,
      ...(phase === "cleared" ? { clearedAtMs: atMs, clearReason: "quiet" } : {}),
      limits: { raiseDb: 70, clearDb: 67 },
      windows: [
        { name: "raise", ...window, laeqDb: between(60, 90, 2), lamaxDb: between(70, 95, 1) },
        { name: "clear", ...window, n: 60, valid: 60, laeqDb: between(60, 90, 2), lamaxDb: between(70, 95, 1) },
      ],
      peak: { value: between(70, 95, 1), unit: "dB(A)", atMs },
      estimated: pick(true, false),
      position: { latitudeDeg: between(39, 41, 6), longitudeDeg: between(115, 117, 6) },
      evidence: phase === "raised" ? [] : [uuid()],
    },
  } as Pick<NewRecord, "kind" | "device" | "body">;
}

function position(atMs: number): Pick<NewRecord, "kind" | "device" | "body"> {
  return {
    kind: "position",
    device: "gps",
    body: {
      latitudeDeg: between(39, 41, 7),
      longitudeDeg: between(115, 117, 7),
      altitudeM: between(20, 90, 1),
      speedMps: between(0, 20, 2),
      bearingDeg: between(0, 360, 1),
      fix: "gnss",
      accuracyM: between(1, 9, 1),
      satellites: between(6, 24),
      source: pick("GN", "GP", "BD"),
      fixAtMs: atMs,
    },
  };
}

function measurement(atMs: number): Pick<NewRecord, "kind" | "device" | "body"> {
  const [quantity, unit] = pick(["PM10", "µg/m³"], ["PM2.5", "µg/m³"], ["temperature", "°C"], ["wind-speed", "m/s"]);
  const body = {
    quantity: quantity ?? "",
    unit: unit ?? "",
    value: between(0, 200, 1),
    fromMs: atMs - 60_000,
    toMs: atMs,
  };
  return { kind: "measurement", device: pick("dust", "weather"), body };
}

function device(atMs: number): Pick<NewRecord, "kind" | "device" | "body"> {
  const state = pick("online", "silent", "offline", "starting");
  return { kind: "device", device: noiseDevice(), body: { state, sinceMs: atMs } };
}

const directory = mkdtempSync(join(tmpdir(), "shao-dictionary-"));
try {
  const files = samples().map((sample, n) => {
    const path = join(directory, String(n));
    writeFileSync(path, sample);
    return path;
  });
  const made = join(directory, "made");
  const options = [`--maxdict=${DICTIONARY_BYTES}`, `--dictID=${DICTIONARY_ID}`, "-q", "-o", made];
  execFileSync("zstd", ["--train", ...files, ...options], { stdio: ["ignore", "inherit", "inherit"] });
  const lines =
    readFileSync(made)
      .toString("base64")
      .match(/.{1,108}/g) ?? [];
  const target = new URL("../protocol/dictionary-1.ts", import.meta.url);
  writeFileSync(
    target,
    `// scripts/train-dictionary.ts made this. It has gone out to nodes and bridges: it never changes.

/** Its id, as it stands in a frame's head and in \`have\`. */
export const DICTIONARY_1_ID = ${DICTIONARY_ID};

/** A zstd dictionary, base64. */
export const DICTIONARY_1 = [
${lines.map((line) => `  "${line}",`).join("\n")}
].join("");
`,
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
