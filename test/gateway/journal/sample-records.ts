import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { AlarmBody } from "../../../protocol/alarm.ts";
import { encodeLevels } from "../../../protocol/level-series.ts";
import type { NewRecord } from "../../../protocol/record.ts";

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "shao-journal-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Damages one table or index of a journal, which may be open: its root is a page of another kind, as after a bad write. */
export function rotTree(directory: string, name: string): void {
  const db = new Database(join(directory, "journal.sqlite"));
  db.unsafeMode();
  db.pragma("writable_schema = ON");
  const rot =
    "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'run') WHERE name = ?";
  if (db.prepare(rot).run(name).changes !== 1) throw new Error(`the journal has no ${name}`);
  db.pragma(`schema_version = ${Number(db.pragma("schema_version", { simple: true })) + 1}`);
  db.close();
}

export const NOON_MS = Date.UTC(2026, 5, 1, 12);

export function stampAt(atMs = NOON_MS, timeQuality: "gnss" | "ntp" | "rtc" | "none" = "ntp") {
  return () => ({ upMs: 0, atMs, timeQuality });
}

export function position(atMs = NOON_MS): NewRecord {
  return {
    upMs: 1000,
    atMs,
    timeQuality: "ntp",
    kind: "position",
    device: "gps",
    body: { latitudeDeg: 39.912, longitudeDeg: 116.456, fix: "gnss" },
  };
}

export function alarmBody(rev = 1, phase: AlarmBody["phase"] = "raised", stateAtMs = NOON_MS): AlarmBody {
  return {
    alarmId: "01890a5d-ac96-7b7c-8f89-9b3f0c2d1e4a",
    rev,
    phase,
    family: "noise",
    nature: "condition",
    rule: "night-noise",
    ruleKind: "trigger",
    raisedAtMs: NOON_MS,
    stateAtMs,
    limits: { raiseDb: 70, clearDb: 67 },
    windows: [],
    evidence: [],
  };
}

export function alarm(rev = 1, phase: AlarmBody["phase"] = "raised", atMs = NOON_MS): NewRecord {
  return {
    upMs: 2000,
    atMs,
    timeQuality: "ntp",
    kind: "alarm",
    device: "noise-01",
    body: alarmBody(rev, phase, atMs),
  };
}

/** The first revision of the `n`-th of many alarms. */
export function anotherAlarm(n: number, change: Partial<AlarmBody> = {}) {
  const alarmId = `01890a5d-ac96-7b7c-8f89-${n.toString(16).padStart(12, "0")}`;
  const { body: _, ...head } = alarm();
  return { ...head, kind: "alarm" as const, body: { ...alarmBody(), alarmId, ...change } };
}

/** A minute of levels around 60 dB that ends at `atMs`. */
export function minute(atMs = NOON_MS, device = "noise-01"): Extract<NewRecord, { kind: "noise" }> {
  const seconds = Array.from({ length: 60 }, (_, at) => ({ levelDb: 55 + ((at * 7) % 100) / 10, flags: [] }));
  const series = encodeLevels(atMs - 60_000, seconds);
  const statistics = {
    ...{ n: 60, valid: 60, laeqDb: 60.5, lamaxDb: 64.9, laminDb: 55, l5Db: 64.5, l10Db: 64, l50Db: 60, l90Db: 56 },
    ...{ l95Db: 55.5, sdDb: 2.87, selDb: 78.28 },
  };
  const body = { quantity: "LAeq1s" as const, series, statistics };
  return { upMs: Math.max(0, atMs - NOON_MS), atMs, timeQuality: "ntp", kind: "noise", device, body };
}

export function health(devices: Extract<NewRecord, { kind: "health" }>["body"]["devices"] = {}): NewRecord {
  return {
    upMs: 3000,
    atMs: NOON_MS,
    timeQuality: "ntp",
    kind: "health",
    body: {
      rssBytes: 0,
      cpuPct: 0,
      journalBytes: 0,
      unsentRecords: 0,
      laneDepth: [0, 0, 0, 0, 0],
      missedPolls: 0,
      eventLoopDelayP99Ms: 0,
      devices,
    },
  };
}

/** Somebody holds the lock of the journal's file: nothing can be committed until this is disposed of. */
export function held(directory: string): Disposable {
  const other = new Database(join(directory, "journal.sqlite"));
  other.exec("BEGIN IMMEDIATE");
  return { [Symbol.dispose]: () => void other.close() };
}
