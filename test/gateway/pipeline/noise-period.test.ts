import { expect, test } from "vitest";
import type { NoisePeriodReading } from "../../../drivers/driver.ts";
import { Pipeline } from "../../../gateway/pipeline/pipeline.ts";
import { decodeLevels } from "../../../protocol/level-series.ts";
import { decodeRecord, encodeRecord } from "../../../protocol/record-codec.ts";
import { ELEVEN_AT_NIGHT, NIGHT_NOISE, SETTINGS } from "./virtual-night.ts";

const NOW = { atMs: ELEVEN_AT_NIGHT, upMs: 3_600_000, timeQuality: "ntp" } as const;
const SUBJECT = { type: "station", id: "010000A8900016F000169DC0" } as const;
const STATISTICS = {
  n: 600,
  valid: 600,
  laeqDb: 88,
  lamaxDb: 95,
  laminDb: 60,
  l5Db: null,
  l10Db: 91,
  l50Db: 80,
  l90Db: 62,
  l95Db: null,
  sdDb: null,
  selDb: null,
};

function period(over: Partial<NoisePeriodReading> = {}): NoisePeriodReading {
  const toMs = ELEVEN_AT_NIGHT;
  const span = { fromMs: toMs - 600_000, toMs, atMs: toMs };
  return {
    kind: "noise-period",
    ...span,
    quantity: "LAF",
    statistics: STATISTICS,
    flags: [],
    isBackfill: false,
    ...over,
  };
}

function accepted(reading: NoisePeriodReading | { kind: "noise"; levelDb: number; atMs: number }) {
  const rules = [{ ...NIGHT_NOISE, device: "stations" }];
  const pipeline = new Pipeline({ ...SETTINGS, rules }, { openAlarms: [], recentAlarms: [], levels: [] }, NOW);
  const whole = reading.kind === "noise" ? { ...reading, quantity: "LAF" as const, flags: [] } : reading;
  const outputs = Array.from({ length: 30 }, () =>
    pipeline.accept({ device: "stations", subject: SUBJECT, reading: whole }, NOW),
  );
  expect(pipeline.openAlarms()).toEqual([]);
  return outputs.flatMap(({ writes }) => writes.flatMap(({ write }) => write.append ?? []));
}

test("a station's own period is a noise record with its statistics and one gap where its levels would be", () => {
  const [record] = accepted(period());
  expect(record).toMatchObject({
    kind: "noise",
    device: "stations",
    subject: SUBJECT,
    atMs: ELEVEN_AT_NIGHT,
    body: { statisticsBy: "station", statistics: STATISTICS, series: { seconds: 600, levels: "", gaps: [[0, 600]] } },
  });
  if (record?.kind !== "noise") throw new Error("no noise record");
  expect(record.body).not.toHaveProperty("isBackfill");
  expect(decodeLevels(record.body.series)).toHaveLength(600);
  const decoded = decodeRecord(encodeRecord(1, record));
  expect(decoded).toMatchObject({ ok: true, known: { kind: "noise" } });
});

test("its flags lie over the whole period, and what came from a memory says so", () => {
  const [record] = accepted(period({ flags: ["fault"], isBackfill: true }));
  expect(record).toMatchObject({ body: { isBackfill: true, series: { flags: [[0, 600, "fault"]] } } });
});

test("neither a station's period nor a level from its memory moves a rule, however loud", () => {
  expect(accepted(period()).every(({ kind }) => kind === "noise")).toBe(true);
  const late = accepted({ kind: "noise", levelDb: 95, atMs: ELEVEN_AT_NIGHT - 7_200_000 });
  expect(late.every(({ kind }) => kind === "measurement")).toBe(true);
});
