import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { TestContext } from "vitest";
import { scratchFolder } from "./rigs.ts";

/** A real ext4 on a loop mount, on which every write waits while it is frozen: a card that hangs. Needs root. */
export function freezableDisk(context: TestContext) {
  const folder = scratchFolder();
  const image = join(folder.path, "image");
  const directory = join(folder.path, "mount");
  mkdirSync(directory);
  const steps = [
    ["truncate", "-s", "64M", image],
    ["mkfs.ext4", "-q", "-F", image],
    ["mount", "-o", "loop", image, directory],
  ];
  for (const [program = "", ...words] of steps) {
    const { status, stderr } = spawnSync(program, words);
    if (status === 0) continue;
    folder.remove();
    const reason = `needs a loop mount, and ${program} was refused: ${String(stderr).trim()} (run as root)`;
    if (process.env["CI"] !== undefined && process.getuid?.() === 0) throw new Error(reason);
    context.skip(reason);
  }
  const thaw = () => void spawnSync("fsfreeze", ["-u", directory]);
  return {
    directory,
    freeze: () => void spawnSync("fsfreeze", ["-f", directory]),
    thaw,
    remove() {
      thaw();
      spawnSync("umount", ["-l", directory]);
      folder.remove();
    },
  };
}
