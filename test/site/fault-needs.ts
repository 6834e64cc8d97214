import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { whyNoBadLink } from "../../cli/sim/bad-link.ts";
import { mosquittoLacks } from "../fakes/mosquitto.ts";
import { postgresMissing } from "../fakes/postgres-cluster.ts";
import { loopDiskLacks } from "./loop-disk.ts";

/** What a fault must find on the machine or in the system under test before it can strike. */
export type Need =
  /** Root, loop devices and ext4: state on disks of their own that can be cut, filled and broken. */
  | "loop-disk"
  /** A C compiler, for what stands between a half and the C library. */
  | "shim"
  /** libfaketime. */
  | "faketime"
  /** Receipted records are kept, as in the field: the bridge, or the card, goes back in time. */
  | "kept-records"
  /** Debian's Mosquitto between nodes and bridge. */
  | "mosquitto"
  /** PostgreSQL, and two processes of the bridge on it; nothing then lies in a file of the bridge's own. */
  | "two-bridges"
  /** Root, network namespaces and TUN devices. */
  | "bad-line";

const FAKETIME = ["x86_64", "aarch64", "arm", "i386"].map(
  (machine) => `/usr/lib/${machine}-linux-gnu${machine === "arm" ? "eabihf" : ""}/faketime/libfaketime.so.1`,
);

/** What libfaketime leaves of a process that was killed; one with the same number would not start beside it. */
export function forgetFakeTime(pid: number): void {
  for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`])
    rmSync(join("/dev/shm", name), { force: true });
}

export function faketimeLibrary(): string | undefined {
  return FAKETIME.find((path) => existsSync(path));
}

/** Why this machine cannot give what a fault needs, and how to get it; undefined: it can. */
export function lacks(need: Need): string | undefined {
  switch (need) {
    case "loop-disk":
      return loopDiskLacks();
    case "shim":
      return spawnSync("cc", ["--version"]).status === 0 ? undefined : "cc is missing: install gcc and libc6-dev";
    case "faketime":
      return faketimeLibrary() === undefined ? "libfaketime is missing: scripts/setup --test installs it" : undefined;
    case "kept-records":
      return undefined;
    case "mosquitto":
      return mosquittoLacks();
    case "two-bridges":
      return postgresMissing();
    case "bad-line":
      return whyNoBadLink();
  }
}
