import { expect, test } from "vitest";
import { HandsetPositions } from "../../cloud-bridge/handset-positions.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";

const at = (issi: string, atMs: number) => ({ issi, latitudeDeg: 39.9, longitudeDeg: 116.4, atMs });

test("of a handset that waits only the newest fix is handed on, and a fault of one does not stop the others", async () => {
  const told: string[] = [];
  const held = Promise.withResolvers<void>();
  const positions = new HandsetPositions({
    log: silentLogger,
    report: async (issi, { atMs }) => {
      told.push(`${issi} ${atMs}`);
      if (issi === "1") await held.promise;
      if (issi === "2") throw new Error("the store is busy");
    },
  });
  positions.seen([at("1", 1), at("2", 1), at("3", 5)]);
  positions.seen([at("3", 4)]);
  positions.seen([at("3", 6)]);
  held.resolve();
  await positions.idle();
  expect(told).toEqual(["1 1", "2 1", "3 6"]);
  positions.seen([at("3", 7)]);
  await positions.idle();
  expect(told.at(-1)).toBe("3 7");
});
