import { describe, expect, test } from "vitest";
import { modbusNoise } from "../../../drivers/modbus-noise/driver.ts";
import { encodeRegisters } from "../../../drivers/modbus-noise/register-value.ts";
import { busRig } from "../../fakes/bus-rig.ts";
import { SlaveLine } from "../../fakes/slave-line.ts";
import { VirtualClock } from "../../fakes/virtual-clock.ts";

const LEVELS: Readonly<Record<number, number>> = { 1: 536, 2: 7010, 3: 488 };

/** Three makes on one line: a SONBEST, a Wiren Board with its siblings, a weather station. */
function registerAt(unit: number, code: number, address: number): number | undefined {
  if (unit === 1) return code === 3 && address === 0 ? LEVELS[1] : undefined;
  if (unit === 2) return code === 4 ? { 3: LEVELS[2], 4: 2150, 5: 6500 }[address] : undefined;
  return code === 3 ? { 504: 330, 505: 0xfff6, 506: LEVELS[3] }[address] : undefined;
}

function line(clock: VirtualClock) {
  const asked: string[] = [];
  const slaves = new SlaveLine({
    clock,
    registerAt: (unit, code, address) => {
      asked.push(`${unit}/${address}`);
      return registerAt(unit, code, address);
    },
  });
  return { ...busRig(clock, () => slaves.open()), slaves, asked };
}

describe("several meters and makes on one line", () => {
  test("each gives its own level each second and its other values once a minute, in one request", async () => {
    const clock = new VirtualClock();
    const { run, slaves } = line(clock);
    const meters = [
      run(modbusNoise, { unit: 1, profile: "sonbest-sm7901b" }),
      run(modbusNoise, { unit: 2, profile: "wirenboard-wb-msw" }),
      run(modbusNoise, { unit: 3, profile: "renke-weather" }),
    ];
    await clock.advance(120_500);
    const counted = meters.map(({ readings, faults }) => ({
      levels: [...new Set(readings.flatMap((one) => (one.kind === "noise" ? [one.levelDb] : [])))],
      polls: readings.filter(({ kind }) => kind === "noise").length,
      others: readings.flatMap((one) =>
        one.kind === "measurement" ? [`${one.quantity} ${one.value} ${one.unit}`] : [],
      ),
      faults: faults.length,
    }));
    const weather = (values: readonly string[]) => [...values, ...values, ...values];
    expect(counted).toEqual([
      { levels: [53.6], polls: 121, others: [], faults: 0 },
      { levels: [70.1], polls: 121, others: weather(["temperature 21.5 °C", "humidity 65 %RH"]), faults: 0 },
      { levels: [48.8], polls: 121, others: weather(["humidity 33 %RH", "temperature -1 °C"]), faults: 0 },
    ]);
    expect(slaves.requests).toBe(3 * 121);
    for (const meter of meters) await meter.stop();
  });

  test("a value that is refused costs the meter neither its level nor its other values", async () => {
    const clock = new VirtualClock();
    const { run } = line(clock);
    const profile = {
      function: "read-holding",
      address: 0,
      scaleDb: 0.1,
      validDb: [30, 130],
      noDataValues: [],
      quantity: "LAeq1s",
      measurements: [
        { quantity: "LAmax", unit: "dB", address: 90, scale: 0.1, valid: [30, 130], noDataValues: [] },
        { quantity: "LAeq", unit: "dB", address: 0, scale: 0.1, valid: [30, 130], noDataValues: [] },
      ],
    };
    const meter = run(modbusNoise, { unit: 1, profile, measurementPeriodMs: 10_000 });
    await clock.advance(60_500);
    expect(meter.ended()).toBeUndefined();
    expect(meter.readings.filter(({ kind }) => kind === "noise")).toHaveLength(61);
    expect(meter.readings.filter(({ kind }) => kind === "measurement")).toHaveLength(7);
    expect(meter.readings.filter(({ kind }) => kind === "measurement")[0]).toMatchObject({
      quantity: "LAeq",
      value: 53.6,
    });
    expect(new Set(meter.faults.map(({ code }) => code))).toEqual(new Set(["MODBUS_EXCEPTION"]));
    expect(meter.faults).toHaveLength(6);
    await meter.stop();
  });

  test("a level that is refused five times ends the driver for good: the profile does not fit", async () => {
    const clock = new VirtualClock();
    const { run } = line(clock);
    const meter = run(modbusNoise, { unit: 1, profile: "gemho" });
    await clock.advance(10_000);
    expect(meter.readings).toEqual([]);
    expect(meter.ended()).toMatchObject({ code: "MODBUS_EXCEPTION", retry: "never" });
    await meter.stop();
  });

  test("a float over two registers in the other word order is one level, read in one request", async () => {
    const clock = new VirtualClock();
    const encoding = { type: "f32", wordOrder: "little" } as const;
    const [low, high] = encodeRegisters(70.1, encoding);
    const slaves = new SlaveLine({ clock, registerAt: (_, __, address) => ({ 16: low, 17: high })[address] });
    const { run } = busRig(clock, () => slaves.open());
    const profile = {
      function: "read-input",
      address: 16,
      ...encoding,
      scaleDb: 1,
      validDb: [25, 140],
      noDataValues: [],
      quantity: "LAeq1s",
    };
    const meter = run(modbusNoise, { unit: 9, profile });
    await clock.advance(2_500);
    expect(meter.readings).toHaveLength(3);
    expect(meter.readings[0]).toMatchObject({ levelDb: 70.1, quantity: "LAeq1s", flags: [] });
    await meter.stop();
  });
});
