import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openPtyPair } from "../../../cli/sim/pty-pair.ts";
import { svantekNoise } from "../../../drivers/svantek-noise/driver.ts";
import { answerTo, type SvantekState, startSvantekSimulator } from "../../../drivers/svantek-noise/simulator.ts";
import { lineRig } from "../../fakes/line-rig.ts";
import { needRigs, scratchFolder, until } from "../../fakes/rigs.ts";
import { runDevice } from "../../fakes/running-device.ts";
import { VirtualClock } from "../../fakes/virtual-clock.ts";

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const CONFIG = {
  tcp: "127.0.0.1:1",
  baudRate: 115_200,
  profile: 1,
  level: "spl",
  periodMs: 1000,
  measurementPeriodMs: 60_000,
  timeoutMs: 500,
} as const;

/** A meter whose level tells the second in which it was asked. It answers in the order in which it was asked. */
function meter(
  clock: VirtualClock,
  state: () => SvantekState & { readonly delayMs?: number; readonly isOff?: boolean },
) {
  const queries: string[] = [];
  let lastDueMs = 0;
  const rig = lineRig(clock, (bytes) => {
    const query = Buffer.from(bytes).toString().slice(1, -1);
    queries.push(query);
    const { delayMs = 5, isOff = false } = state();
    if (isOff) return;
    const levelDb = 40 + clock.upMs() / 10_000;
    const answer = Buffer.from(answerTo(query, { levelAt: () => levelDb, state }));
    lastDueMs = Math.max(lastDueMs, clock.upMs() + delayMs);
    void clock.sleep(lastDueMs - clock.upMs()).then(() => rig.say(answer));
  });
  return { rig, queries };
}

const levels = (readings: readonly object[]) =>
  readings.flatMap((one) => ("levelDb" in one ? [one.levelDb] : [])) as (number | null)[];

describe("a Svantek meter", () => {
  test("a level each second, its LAeq, LAmax and LAmin each minute, its settings looked at each 10 s", async () => {
    const clock = new VirtualClock();
    const { rig, queries } = meter(clock, () => ({}));
    const run = rig.run(svantekNoise, CONFIG);
    await clock.advance(60_900);
    expect(levels(run.readings)).toHaveLength(61);
    const others = run.readings.filter(({ kind }) => kind === "measurement");
    expect(others.map((one) => ("quantity" in one ? one.quantity : ""))).toEqual([
      ...["LAeq", "LAmax", "LAmin"],
      ...["LAeq", "LAmax", "LAmin"],
    ]);
    expect(others[0]).toMatchObject({ unit: "dB", toMs: others[0]?.atMs });
    expect(queries.filter((query) => query === "1")).toHaveLength(7);
    expect(run.faults).toEqual([]);
    await run.stop();
  });

  test("an answer that comes after its time is never taken for a later second's", async () => {
    const clock = new VirtualClock();
    const { rig } = meter(clock, () => ({ delayMs: clock.upMs() > 3000 && clock.upMs() < 9000 ? 1300 : 5 }));
    const run = rig.run(svantekNoise, CONFIG);
    const startMs = clock.nowMs();
    await clock.advance(30_900);
    for (const reading of run.readings) {
      if (reading.kind !== "noise") continue;
      const askedMs = ((reading.levelDb ?? Number.NaN) - 40) * 10_000;
      expect(Math.abs(reading.atMs - startMs - askedMs)).toBeLessThan(510);
    }
    expect(levels(run.readings).length).toBeGreaterThanOrEqual(20);
    expect(run.faults.map(({ code }) => code)).toContain("METER_TIMEOUT");
    await run.stop();
  });

  test.for([
    [{ weighting: "C" }, "METER_WEIGHTING"],
    [{ weighting: "Z" }, "METER_WEIGHTING"],
    [{ detector: "impulse" }, "METER_DETECTOR"],
    [{ isRunning: false }, "METER_STOPPED"],
  ] as const)("set to %o it measures nothing, is not online, and says why", async ([state, code]) => {
    const clock = new VirtualClock();
    let now: SvantekState = state;
    const { rig } = meter(clock, () => now);
    const run = rig.run(svantekNoise, CONFIG);
    await clock.advance(5_500);
    expect([run.readings, run.online()]).toEqual([[], 0]);
    expect(new Set(run.faults.map((fault) => fault.code))).toEqual(new Set([code]));
    now = {};
    await clock.advance(15_000);
    expect(levels(run.readings).length).toBeGreaterThanOrEqual(4);
    await run.stop();
  });

  test("LAeq of one second is taken as such, and one of a longer period is refused by name", async () => {
    const clock = new VirtualClock();
    const { rig } = meter(clock, () => ({ detector: "impulse" }));
    const run = rig.run(svantekNoise, { ...CONFIG, level: "leq" });
    await clock.advance(3_500);
    expect(run.readings[0]).toMatchObject({ kind: "noise", quantity: "LAeq1s" });
    await run.stop();
  });

  test("switched on late, it is read from then on; switched off, it does not end the driver", async () => {
    const clock = new VirtualClock();
    let isOff = true;
    const { rig } = meter(clock, () => ({ isOff }));
    const run = rig.run(svantekNoise, CONFIG);
    await clock.advance(10_000);
    expect(run.readings).toEqual([]);
    isOff = false;
    await clock.advance(5_000);
    const seen = levels(run.readings).length;
    expect(seen).toBeGreaterThanOrEqual(3);
    isOff = true;
    await clock.advance(10_000);
    expect(levels(run.readings).length).toBeLessThanOrEqual(seen + 1);
    expect(run.ended()).toBeUndefined();
    await run.stop();
  });

  test("a meter that floods is asked all the same, and what came unasked is not believed", async () => {
    const clock = new VirtualClock();
    const { rig } = meter(clock, () => ({}));
    const run = rig.run(svantekNoise, CONFIG);
    const flood = Buffer.from("#2,1,T1,V0,v0,S99.99,R99.99,M99.99,N99.99;".repeat(20));
    for (let count = 0; count < 50; count++) {
      rig.say(flood);
      await clock.advance(90);
    }
    expect(run.ended()).toBeUndefined();
    await run.stop();
  });
});

test("a link that breaks between two polls ends the run with its error, and nothing goes unhandled", async () => {
  const clock = new VirtualClock();
  const { rig } = meter(clock, () => ({}));
  const run = rig.run(svantekNoise, CONFIG);
  await clock.advance(2_500);
  rig.pull();
  await clock.advance(1_500);
  expect(run.ended()).toMatchObject({ code: "PORT_LOST" });
  await run.stop();
});

describe("over a serial line, with the simulator at its other end", () => {
  test("levels, and it comes back when the cable does", async (context) => {
    needRigs(context, "socat");
    const path = join(scratch.path, "svan");
    let pair = await openPtyPair(path);
    let there = await startSvantekSimulator({ listen: { serial: pair.devicePath }, levelAt: () => 71.5 });
    const { tcp: _, ...config } = CONFIG;
    await using device = runDevice("svantek-noise", { ...config, serial: path });
    await until(() => levels(device.readings).length >= 2, 20_000);
    expect(device.readings[0]).toMatchObject({ kind: "noise", levelDb: 71.5, quantity: "LAF", flags: [] });
    await pair.close();
    await until(() => device.state() === "offline");
    await there.close();
    const before = device.readings.length;
    pair = await openPtyPair(path);
    there = await startSvantekSimulator({ listen: { serial: pair.devicePath }, levelAt: () => 62 });
    await until(() => device.readings.length > before, 20_000);
    expect(levels(device.readings).at(-1)).toBe(62);
    await there.close();
    await pair.close();
  });
});
