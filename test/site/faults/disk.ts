import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { halfOf } from "../lanes.ts";
import type { Fault } from "./fault.ts";

/** The disk fills while a half runs; later somebody makes room, and nobody starts anything anew. */
export const fullDiskFault: Fault = {
  name: "full-disk",
  does: "a half's disk is full for some seconds",
  lanes: ["gateway", "bridge"],
  needs: ["loop-disk"],
  stroke(lane, random) {
    const half = halfOf(lane);
    return {
      says: `${half}: disk full`,
      holdMs: 2_000 + random() * 4_000,
      inject: async (site) => site.disk(half).fill(),
      end: async (site) => site.disk(half).empty(),
    };
  },
};

/** A card that fails: the kernel makes it read-only under the running half; a boot with a file system check mends it. */
export const readOnlyDiskFault: Fault = {
  name: "read-only-disk",
  does: "a half's disk turns read-only under it; mended by a boot with a file system check",
  lanes: ["gateway", "bridge"],
  needs: ["loop-disk"],
  stroke(lane, random) {
    const half = halfOf(lane);
    return {
      says: `${half}: disk read-only`,
      holdMs: 1_000 + random() * 3_000,
      inject: async (site) => site.disk(half).failReadOnly(),
      async end(site) {
        // What a dead process left in the memory of a disk that fails was never acknowledged.
        if (half === "gateway") site.observer.pause();
        await site.kill(half);
        await site.disk(half).remount();
        if (half === "gateway") site.observer.watch();
        await site.startHalf(half);
      },
    };
  },
};

/** Every fsync and fdatasync takes longer, by a library between the half and the C library. */
export const slowDiskFault: Fault = {
  name: "slow-disk",
  does: "each sync of a half takes up to half a second longer (LD_PRELOAD over fsync and fdatasync)",
  lanes: ["gateway", "bridge"],
  needs: ["shim"],
  stroke(lane, random) {
    const half = halfOf(lane);
    const ms = Math.round(20 + random() * 480);
    return {
      says: `${half}: syncs take ${ms} ms longer`,
      holdMs: 2_000 + random() * 4_000,
      inject: async (site) => writeFileSync(join(site.between(half), "slow-disk"), String(ms)),
      end: async (site) => rmSync(join(site.between(half), "slow-disk"), { force: true }),
    };
  },
};
