import { openJournal } from "../gateway/journal/open-journal.ts";
import type { BodyOf, NewRecord } from "../protocol/record.ts";
import { noiseMinute } from "./noise-minute.ts";

const MINUTE_MS = 60_000;
export const LEVELS_A_MINUTE = 60;

export interface Backlog {
  readonly run: string;
  readonly records: number;
  readonly levels: number;
}

/**
 * What a site of `meters` leaves in its journal when the link has been down for `minutes`: per minute a record of 60 levels a
 * meter, the node's health and one position. Written by the real journal, in the time that it needs.
 */
export async function writeBacklog(directory: string, meters: number, minutes: number): Promise<Backlog> {
  const startedAtMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - (minutes + 2) * MINUTE_MS;
  let upMs = 0;
  const stamp = () => ({ upMs, atMs: startedAtMs + upMs, timeQuality: "ntp" as const });
  await using journal = await openJournal({ directory, stamp, groupMs: 0 });
  const devices = Array.from({ length: meters }, (_, at) => `noise-${at + 1}`);
  await journal.write({ append: [{ ...stamp(), kind: "start", body: startBody(devices) }] }, "urgent");
  for (let minute = 0; minute < minutes; minute += 1) {
    const fromMs = startedAtMs + upMs;
    upMs += MINUTE_MS;
    const append: NewRecord[] = [
      ...devices.map((device): NewRecord => ({ ...stamp(), kind: "noise", device, body: noiseMinute(fromMs, "LAF") })),
      { ...stamp(), kind: "health", body: healthBody(devices, minute * (meters + 2)) },
      { ...stamp(), kind: "position", device: "gps", body: { latitudeDeg: 39.9, longitudeDeg: 116.4, fix: "gnss" } },
    ];
    await journal.write({ append }, "grouped");
  }
  const levels = meters * minutes * LEVELS_A_MINUTE;
  return { run: journal.restored.run, records: 1 + minutes * (meters + 2), levels };
}

function startBody(devices: readonly string[]): BodyOf<"start"> {
  return {
    ...{ reason: "first", version: "bench", configSha256: "0".repeat(64) },
    devices: devices.map((id) => ({ id, driver: "modbus-noise", quantity: "LAF" })),
  };
}

function healthBody(devices: readonly string[], unsentRecords: number): BodyOf<"health"> {
  return {
    ...{ rssBytes: 120_000_000, cpuPct: 1.5, journalBytes: 10_000_000, freeDiskBytes: 50_000_000_000, unsentRecords },
    ...{ laneDepth: [0, 3, unsentRecords, 0, 0], missedPolls: 0, eventLoopDelayP99Ms: 4.2 },
    devices: Object.fromEntries(devices.map((device) => [device, "online" as const])),
  };
}
