import { encodeLevels } from "../../protocol/level-series.ts";
import type { NewRecord } from "../../protocol/record.ts";

const head = { upMs: 1_000, atMs: 1_763_500_000_000, timeQuality: "ntp" } as const;

/** A minute of noise as a gateway writes it. */
export function noiseRecord(minute = 0, seconds = 60): NewRecord {
  const fromMs = head.atMs + minute * 60_000;
  return {
    ...head,
    upMs: minute * 60_000,
    atMs: fromMs,
    kind: "noise",
    device: "noise-01",
    body: {
      quantity: "LAeq1s",
      series: encodeLevels(
        fromMs,
        Array.from({ length: seconds }, (_, i) => ({ levelDb: 65 + ((minute * 31 + i * 17) % 40) / 10, flags: [] })),
      ),
      statistics: {
        n: seconds,
        valid: seconds,
        laeqDb: 67.1,
        lamaxDb: 68.9,
        laminDb: 65,
        l5Db: 68.8,
        l10Db: 68.6,
        l50Db: 67,
        l90Db: 65.4,
        l95Db: 65.2,
        sdDb: 1.1,
        selDb: 84.9,
      },
    },
  };
}

/** The raised revision of a noise alarm. */
export function alarmRecord(
  alarmId: string,
  change: Partial<Extract<NewRecord, { kind: "alarm" }>["body"]> = {},
): NewRecord {
  return {
    ...head,
    kind: "alarm",
    device: "noise-01",
    body: {
      alarmId,
      rev: 1,
      phase: "raised",
      family: "noise",
      nature: "condition",
      rule: "night-noise",
      ruleKind: "trigger",
      raisedAtMs: head.atMs,
      stateAtMs: head.atMs,
      limits: { raiseDb: 70, clearDb: 67 },
      windows: [
        { name: "raise", fromMs: head.atMs - 10_000, toMs: head.atMs, n: 10, valid: 10, laeqDb: 71.2, lamaxDb: 74 },
      ],
      evidence: [],
      ...change,
    },
  };
}
