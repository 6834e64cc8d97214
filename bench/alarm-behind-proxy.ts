import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startNoiseSimulator } from "../drivers/modbus-noise/simulator.ts";
import type { AlarmBody } from "../protocol/alarm.ts";
import { say } from "./custody-part.ts";
import { writeBacklog } from "./day-backlog.ts";
import { startPacedLink } from "./paced-link.ts";
import { PairedNode } from "./paired-node.ts";

/** Of ten meters: 100,000 records, which the line does not send in the time of this. */
const BACKLOG_METERS = 10;
const BACKLOG_MINUTES = 8334;
/** 64 kbit/s, 300 ms there and back. */
const LINK = { bytesPerS: 8000, delayMs: 150 };
const METERS = 4;
/** Loud for the first seconds of each cycle; the meters are out of step. */
const CYCLE_S = 12;
const LOUD_S = 4;
const SETTLE_MS = 20_000;
const MEASURED_S = 300;
const ALARMS = "SELECT received_at_ms AS atMs, bytes FROM inbox WHERE kind = 'alarm'";

/** For machines on which no bad line can be made: a TCP proxy of that rate and delay, which loses no packet. @returns ms */
export async function alarmsBehindProxy(): Promise<readonly number[]> {
  const folder = mkdtempSync(join(tmpdir(), "shao-alarm-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const units = Array.from({ length: METERS }, (_, at) => at + 1);
  const isLoud = (unit: number, atMs: number) => (atMs / 1000 + (unit * CYCLE_S) / METERS) % CYCLE_S < LOUD_S;
  const meters = await startNoiseSimulator({
    ...{ listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" }, units },
    levelAt: (unit, atMs) => (isLoud(unit, atMs) ? 85 : 45) + Math.sin(atMs / 900),
  });
  stack.defer(() => meters.close());
  const windows = { raiseWindowS: 2, raiseMinValidS: 1, clearWindowS: 2, clearMinValidS: 1, sameAlarmS: 0 };
  const config = {
    site: { name: "Bench", timeZone: "Asia/Shanghai", latitudeDeg: 39.9, longitudeDeg: 116.4 },
    buses: { meters: { tcp: `127.0.0.1:${meters.port ?? 0}`, framing: "tcp" } },
    devices: byUnit(units, "noise", (unit) => ({ driver: "modbus-noise", bus: "meters", unit })),
    rules: byUnit(units, "loud", (unit) => ({ kind: "trigger", device: `noise-${unit}`, byDay: true, ...windows })),
  };
  const pair = stack.use(await PairedNode.create(folder, config, (to) => startPacedLink({ to, ...LINK })));
  const backlog = await writeBacklog(pair.state, BACKLOG_METERS, BACKLOG_MINUTES);
  pair.startGateway();
  await wait(SETTLE_MS);
  const fromMs = Date.now();
  for (let second = 0; second < MEASURED_S; second += 60) {
    await wait(60_000);
    const [waiting] = pair.stored("SELECT count(*) AS n FROM inbox WHERE run = ?", backlog.run) as { n: number }[];
    say(`alarm: ${second + 60} of ${MEASURED_S} s, ${waiting?.n ?? 0} of ${backlog.records} of the backlog sent`);
  }
  const untilMs = Date.now() - SETTLE_MS;
  await wait(SETTLE_MS);
  return (pair.stored(ALARMS) as { atMs: number; bytes: Uint8Array }[]).flatMap(({ atMs, bytes }) => {
    const { body } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { body: AlarmBody };
    const isMeasured = body.phase === "raised" && body.raisedAtMs >= fromMs && body.raisedAtMs < untilMs;
    return isMeasured ? [atMs - body.raisedAtMs] : [];
  });
}

function byUnit(units: readonly number[], name: string, of: (unit: number) => unknown): Record<string, unknown> {
  return Object.fromEntries(units.map((unit) => [`${name}-${unit}`, of(unit)]));
}
