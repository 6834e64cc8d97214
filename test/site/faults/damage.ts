import { closeSync, existsSync, openSync, readSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { FaultSite } from "../fault-site.ts";
import { type Half, halfOf } from "../lanes.ts";
import { checkpoint } from "../state-files.ts";
import type { Fault } from "./fault.ts";

const FILES: Readonly<Record<Half, string>> = {
  gateway: "journal.sqlite",
  bridge: "bridge.sqlite",
  "second-bridge": "bridge.sqlite",
};
/** Enough of a page that SQLite sees that it is none. */
const ROTTEN_BYTES = 512;

/**
 * What a disk may do to data that it had confirmed. It goes beyond what any software can prevent, so the promise is another
 * one: a record that only stood there is gone, but never with another content, and once anybody heard of its seq it is
 * declared, or shown as unexplained. At the bridge nothing may be gone: the nodes keep what they sent.
 */
function damageFault(
  name: string,
  does: string,
  lanes: Fault["lanes"],
  harm: (file: string, random: () => number) => void,
): Fault {
  return {
    name,
    does,
    lanes,
    needs: ["kept-records"],
    stroke(lane, random) {
      const half = halfOf(lane);
      const isOffline = half === "gateway" && random() < 0.6;
      const afterMs = (isOffline ? 1_500 : 0) + random() * 1_500;
      const spots = [random(), random(), random()];
      return {
        says: `${half}${isOffline ? ", offline" : ""}: ${does}`,
        holdMs: 0,
        async inject(site) {
          // A record that is at the bridge already is no loss to anybody.
          if (isOffline) site.link.set("cut");
          await new Promise((resolve) => setTimeout(resolve, afterMs));
          await site.kill(half);
          await damaged(site, half, () => harm(join(site.state(half), FILES[half]), () => spots.shift() ?? 0.5));
        },
        async end(site) {
          if (isOffline) site.link.set("open");
          await site.startHalf(half);
        },
      };
    },
  };
}

async function damaged(site: FaultSite, half: Half, act: () => void): Promise<void> {
  if (half === "gateway") site.observer.damage(act);
  else {
    await site.voidReceipts();
    act();
  }
}

export const tornWalFault = damageFault(
  "torn-wal",
  "the log of a killed half is cut at a random byte",
  ["gateway", "bridge"],
  (file, random) => {
    const wal = `${file}-wal`;
    if (existsSync(wal)) truncateSync(wal, Math.floor(random() * statSync(wal).size));
  },
);

export const flippedWalFault = damageFault(
  "flipped-wal",
  "one bit in the log of a killed half is flipped",
  ["gateway", "bridge"],
  (file, random) => flipBit(`${file}-wal`, random),
);

export const flippedDatabaseFault = damageFault(
  "flipped-database",
  "one bit in the database of a killed gateway is flipped",
  ["gateway"],
  (file, random) => {
    checkpoint(file);
    flipBit(file, random);
  },
);

export const corruptDatabaseFault = damageFault(
  "corrupt-database",
  "a stretch of the database of a killed gateway is overwritten",
  ["gateway"],
  (file, random) => {
    checkpoint(file);
    const at = Math.floor(random() * Math.max(1, statSync(file).size - ROTTEN_BYTES));
    const fd = openSync(file, "r+");
    writeSync(fd, new Uint8Array(ROTTEN_BYTES).fill(0xa5), 0, ROTTEN_BYTES, at);
    closeSync(fd);
  },
);

/** Flips one bit of a file that has any. */
export function flipBit(file: string, random: () => number): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return;
  const at = Math.floor(random() * size);
  const byte = new Uint8Array(1);
  const fd = openSync(file, "r+");
  readSync(fd, byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ (1 << Math.floor(random() * 8));
  writeSync(fd, byte, 0, 1, at);
  closeSync(fd);
}
