import { readFileSync } from "node:fs";
import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { DRIVERS, loadDriver } from "../../drivers/registry.ts";

/** Keys that have no default because they name the installer's own wiring. */
const WIRING = ["bus", "serial", "tcp", "outputs", "inputs", "stations"];

describe("driver registry", () => {
  test.each(DRIVERS.map((entry) => entry.kind))(
    "the sample of %s fits its schema and shows its defaults",
    async (kind) => {
      const driver = await loadDriver(kind);
      const { driver: named, ...sample } = parse(readFileSync(`drivers/${kind}/sample.yaml`, "utf8"));
      expect(named).toBe(kind);
      expect(driver?.kind).toBe(kind);
      if (driver === undefined) return;
      expect([...Value.Errors(driver.config, sample)]).toEqual([]);
      expect(driver.check?.(sample) ?? []).toEqual([]);
      const wiring = Object.fromEntries(Object.entries(sample).filter(([key]) => WIRING.includes(key)));
      expect(sample).toEqual(Value.Default(driver.config, wiring));
    },
  );

  test("an unknown key is refused, and an unknown driver is undefined", async () => {
    const driver = await loadDriver("modbus-noise");
    expect(driver && Value.Check(driver.config, Value.Default(driver.config, { bus: "a" }))).toBe(true);
    expect(driver && Value.Check(driver.config, Value.Default(driver.config, { bus: "a", period: 5 }))).toBe(false);
    expect(driver && Value.Check(driver.config, Value.Default(driver.config, { bus: 7 }))).toBe(false);
    expect(await loadDriver("modbus")).toBeUndefined();
  });

  test("a receiver with no port, or with two, is refused with a hint", async () => {
    const driver = await loadDriver("gps-nmea");
    expect(driver?.check?.({ baudRate: 9600, periodMs: 1000 })).toMatchObject([
      { message: "none of serial, tcp and udp is given" },
    ]);
    expect(driver?.check?.({ serial: "/dev/x", tcp: "a:1" })).toHaveLength(1);
    expect(driver?.check?.({ tcp: "a:1" })).toEqual([]);
  });
});
