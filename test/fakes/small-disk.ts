import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { onTestFinished, type TestContext } from "vitest";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";

/** A real file system of a few MiB that can be filled up; needs root, and says so where it is not. */
export function smallDisk(ctx: TestContext, sizeMiB: number) {
  const directory = temporaryDirectory();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m`, "shao-test", directory]);
  if (mounted.status !== 0) {
    const reason = `needs a small tmpfs, and mounting one was refused: ${String(mounted.stderr).trim()} (run as root)`;
    if (process.env["CI"] !== undefined && process.getuid?.() === 0) throw new Error(reason);
    ctx.skip(reason);
  }
  onTestFinished(() => void spawnSync("umount", ["-l", directory]));
  const ballast = join(directory, "ballast");
  return {
    directory,
    fill: () => void spawnSync("dd", ["if=/dev/zero", `of=${ballast}`, "bs=64k"]),
    free: () => rmSync(ballast),
    makeReadOnly: () => void spawnSync("mount", ["-o", "remount,ro", directory]),
  };
}
