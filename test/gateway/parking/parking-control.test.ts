import { expect, test } from "vitest";
import { ParkingControl } from "../../../gateway/parking/parking-control.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

/** A vehicle whose records never all reach the bridge. */
function vehicle(onSleep: (upMs: number, turn: (isOn: boolean) => void) => void) {
  let upMs = 0;
  let ends = 0;
  const slowed: number[] = [];
  const turn = (isOn: boolean) =>
    control.heard({ device: "board", reading: { kind: "switch", name: "ignition", isOn, atMs: upMs } });
  const control: ParkingControl = new ParkingControl({
    settings: { device: "board", input: "ignition", settleS: 0, slowBy: 30, healthEveryS: 600, shutdownAfterS: 60 },
    upMs: () => upMs,
    nowMs: () => upMs,
    sleep: async (ms) => {
      upMs += ms;
      onSleep(upMs, turn);
    },
    log: new QuietLog(),
    slow: (slowBy) => slowed.push(slowBy),
    tellHealth: async () => undefined,
    flush: async () => undefined,
    waiting: async () => 5,
    isReadable: () => true,
    onEnd: () => {
      ends += 1;
    },
  });
  turn(false);
  control.tick();
  upMs = 60_000;
  return { control, slowed, ends: () => ends, upMs: () => upMs };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

test("with records that wait it ends after its last sending, once", async () => {
  const parked = vehicle(() => undefined);
  parked.control.tick();
  await settled();
  expect([parked.ends(), parked.slowed, parked.upMs()]).toEqual([1, [30], 80_000]);
});

test("an ignition that is switched on meanwhile keeps the box alive", async () => {
  const parked = vehicle((upMs, turn) => {
    if (upMs === 65_000) turn(true);
  });
  parked.control.tick();
  await settled();
  expect([parked.ends(), parked.slowed, parked.control.parked]).toEqual([0, [30, 1], undefined]);
});
