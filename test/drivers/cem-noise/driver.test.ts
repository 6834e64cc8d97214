import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openPtyPair } from "../../../cli/sim/pty-pair.ts";
import { cemNoise } from "../../../drivers/cem-noise/driver.ts";
import { type CemKeys, cemMessages, startCemSimulator } from "../../../drivers/cem-noise/simulator.ts";
import { lineRig } from "../../fakes/line-rig.ts";
import { needRigs, scratchFolder, until } from "../../fakes/rigs.ts";
import { runDevice } from "../../fakes/running-device.ts";
import { VirtualClock } from "../../fakes/virtual-clock.ts";

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const CONFIG = { tcp: "127.0.0.1:1", model: "cem-dt885x", periodMs: 1000 } as const;

/** Twenty values a second for so many seconds. */
async function stream(
  rig: ReturnType<typeof lineRig>,
  clock: VirtualClock,
  seconds: number,
  keys: CemKeys,
  levelDb = 65.3,
) {
  for (let count = 0; count < seconds * 20; count++) {
    rig.say(cemMessages(levelDb + (count % 20) / 10, keys, count));
    await clock.advance(50);
  }
}

describe("a meter that streams twenty values a second", () => {
  test("gives one level a second: the first one of each", async () => {
    const clock = new VirtualClock();
    const rig = lineRig(clock);
    const run = rig.run(cemNoise, CONFIG);
    await stream(rig, clock, 10, {});
    expect(run.readings.map((reading) => ("levelDb" in reading ? reading.levelDb : reading))).toEqual(
      Array.from({ length: 10 }, () => 65.3),
    );
    expect(run.online()).toBe(10);
    await run.stop();
  });

  test("set to C it measures nothing and is not online; set back it goes on", async () => {
    const clock = new VirtualClock();
    const rig = lineRig(clock);
    const run = rig.run(cemNoise, CONFIG);
    await stream(rig, clock, 5, { weighting: "C" });
    expect([run.readings, run.online()]).toEqual([[], 0]);
    expect(new Set(run.faults.map(({ code }) => code))).toEqual(new Set(["METER_WEIGHTING"]));
    expect(run.faults.length).toBeLessThanOrEqual(6);
    await stream(rig, clock, 2, { weighting: "A" });
    expect(run.readings.length).toBeGreaterThanOrEqual(1);
    await run.stop();
  });

  test("switched off, and on again with other keys, it is not believed by the old ones", async () => {
    const clock = new VirtualClock();
    const rig = lineRig(clock);
    const run = rig.run(cemNoise, CONFIG);
    await stream(rig, clock, 2, { weighting: "A" });
    const before = run.readings.length;
    expect(before).toBeGreaterThan(0);
    await clock.advance(60_000);
    rig.say(Uint8Array.of(0xa5, 0x0d, 0x09, 0x21));
    await clock.advance(50);
    await stream(rig, clock, 3, { weighting: "C" }, 92.1);
    expect(run.readings.length).toBe(before);
    await run.stop();
  });

  test("a held maximum is no level; a low battery is told beside its levels", async () => {
    const clock = new VirtualClock();
    const rig = lineRig(clock);
    const run = rig.run(cemNoise, CONFIG);
    await stream(rig, clock, 3, { isHeld: true }, 88);
    expect(run.readings).toEqual([]);
    await stream(rig, clock, 3, { isBatteryLow: true });
    expect(run.readings.length).toBeGreaterThanOrEqual(2);
    expect(new Set(run.faults.map(({ code }) => code))).toEqual(new Set(["METER_HOLD", "METER_BATTERY_LOW"]));
    await run.stop();
  });

  test("values whose weighting was never said are not used, and that is said", async () => {
    const clock = new VirtualClock();
    const rig = lineRig(clock);
    const run = rig.run(cemNoise, CONFIG);
    for (let count = 0; count < 200; count++) {
      rig.say(Uint8Array.of(0xa5, 0x0d, 0x06, 0x53));
      await clock.advance(50);
    }
    expect(run.readings).toEqual([]);
    expect(run.faults.map(({ code }) => code)).toEqual(["METER_WEIGHTING", "METER_WEIGHTING"]);
    await run.stop();
  });

  test("a flood of values is still one level a second", async () => {
    const clock = new VirtualClock();
    const rig = lineRig(clock);
    const run = rig.run(cemNoise, CONFIG);
    const flood = Buffer.concat(Array.from({ length: 2000 }, () => cemMessages(70.1, {})));
    for (let second = 0; second < 5; second++) {
      rig.say(flood);
      await clock.advance(1000);
    }
    expect(run.readings).toHaveLength(5);
    await run.stop();
  });

  test("a PCE that is switched on late is asked again to send", async () => {
    const clock = new VirtualClock();
    const rig = lineRig(clock);
    const run = rig.run(cemNoise, { ...CONFIG, model: "pce-322a" });
    await clock.advance(10_000);
    expect(rig.written().length).toBeGreaterThanOrEqual(3);
    expect(rig.written().every((bytes) => Buffer.from(bytes).toString("hex") === "acff")).toBe(true);
    await run.stop();
  });
});

describe("over a serial line, with the simulator at its other end", () => {
  test.for(["cem-dt885x", "pce-322a"] as const)(
    "%s: levels, and it comes back when the cable does",
    async (model, context) => {
      needRigs(context, "socat");
      const path = join(scratch.path, model);
      let pair = await openPtyPair(path);
      let meter = await startCemSimulator({ listen: { serial: pair.devicePath }, model, levelAt: () => 71.5 });
      await using device = runDevice("cem-noise", { serial: path, model, periodMs: 1000 });
      await until(() => device.readings.length >= 2, 20_000);
      expect(device.readings[0]).toMatchObject({ kind: "noise", levelDb: 71.5, quantity: "LAF", flags: [] });
      await pair.close();
      await until(() => device.state() === "offline", 20_000);
      await meter.close();
      const before = device.readings.length;
      pair = await openPtyPair(path);
      meter = await startCemSimulator({ listen: { serial: pair.devicePath }, model, levelAt: () => 62 });
      await until(() => device.readings.length > before, 20_000);
      expect(device.readings.at(-1)).toMatchObject({ levelDb: 62 });
      await meter.close();
      await pair.close();
    },
  );
});
