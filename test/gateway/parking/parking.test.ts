import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Parking } from "../../../gateway/parking/parking.ts";

const SETTINGS = {
  device: "board",
  input: "ignition",
  settleS: 10,
  slowBy: 30,
  healthEveryS: 600,
  shutdownAfterS: 60,
};

describe("parking", () => {
  test("follows an ignition that stays off, and not one that drops while the engine starts", () => {
    const parking = new Parking(SETTINGS);
    parking.heard(true, 0);
    parking.heard(false, 1000);
    expect(parking.tick(5000, 5000)).toBeUndefined();
    parking.heard(true, 6000);
    parking.heard(false, 7000);
    expect(parking.tick(16_999, 16_999)).toBeUndefined();
    expect(parking.tick(17_000, 1_017_000)).toBe("park");
    expect(parking.parkedSinceMs).toBe(1_017_000);
    expect(parking.tick(18_000, 18_000)).toBeUndefined();
    expect(parking.heard(true, 19_000)).toBe("drive");
    expect(parking.parkedSinceMs).toBeUndefined();
  });

  test("ends after its time, once, and an ignition that comes while it says goodbye calls it back", () => {
    const parking = new Parking(SETTINGS);
    parking.heard(false, 0);
    expect(parking.tick(10_000, 0)).toBe("park");
    expect(parking.tick(69_999, 0)).toBeUndefined();
    expect(parking.tick(70_000, 0)).toBe("end");
    expect(parking.tick(90_000, 0)).toBeUndefined();
    expect(parking.isEnding).toBe(true);
    expect(parking.heard(true, 91_000)).toBe("drive");
    expect(parking.isEnding).toBe(false);
    parking.heard(false, 92_000);
    expect(parking.tick(102_000, 0)).toBe("park");
    expect(parking.tick(162_000, 0)).toBe("end");
  });

  test("a contact that no longer answers parks nothing, ends nothing, and settles anew when it answers", () => {
    const parking = new Parking(SETTINGS);
    parking.heard(false, 0);
    expect(parking.tick(600_000, 0, false)).toBeUndefined();
    expect(parking.tick(601_000, 0)).toBeUndefined();
    expect(parking.tick(610_000, 0)).toBe("park");
    expect(parking.tick(900_000, 0, false)).toBeUndefined();
    expect(parking.tick(901_000, 0)).toBe("end");
  });

  test("an ignition that was never read parks nothing; with 0 it never ends", () => {
    const unread = new Parking(SETTINGS);
    expect(unread.tick(1e9, 0)).toBeUndefined();
    const kept = new Parking({ ...SETTINGS, shutdownAfterS: 0 });
    kept.heard(false, 0);
    expect(kept.tick(10_000, 0)).toBe("park");
    expect(kept.tick(1e12, 0)).toBeUndefined();
  });

  test("park and drive take turns whatever the contact does", () => {
    const step = fc.record({ afterMs: fc.nat(30_000), isOn: fc.option(fc.boolean(), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const parking = new Parking({ ...SETTINGS, shutdownAfterS: 0 });
        let upMs = 0;
        let last = "drive";
        for (const { afterMs, isOn } of steps) {
          upMs += afterMs;
          const acts = [parking.tick(upMs, upMs), isOn === undefined ? undefined : parking.heard(isOn, upMs)];
          for (const act of acts) {
            if (act === undefined) continue;
            expect(act).not.toBe(last);
            last = act;
          }
        }
      }),
    );
  });
});
