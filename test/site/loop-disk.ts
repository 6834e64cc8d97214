import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";

/** @source linux/fs.h: EXT4_IOC_SHUTDOWN and its flag, which leaves the log unwritten */
const SHUTDOWN = 0x8004587d;
const NO_LOG_FLUSH = 2;
const UMOUNT_TRIES = 100;
const UMOUNT_PAUSE_MS = 20;
const MIB = 1024 * 1024;

/** Why this machine cannot have one; undefined: it can. */
export function loopDiskLacks(): string | undefined {
  if (process.getuid?.() !== 0) return "power cuts need root (loop devices)";
  for (const command of ["mkfs.ext4", "losetup", "perl"]) {
    if (spawnSync("which", [command]).status !== 0) return `${command} is missing: scripts/setup --test installs it`;
  }
  const free = spawnSync("losetup", ["--find"], { encoding: "utf8" });
  return free.status === 0 ? undefined : `no loop device: ${free.stderr.trim()}`;
}

/** ext4 in a file, mounted over a folder: power can be cut under it, it can be filled up, and fail as a card fails. */
export class LoopDisk {
  readonly directory: string;
  readonly #image: string;
  /** Kept over all mounts: one that is let go with a mount may go while the next mount already uses it. */
  readonly #device: string;
  #isMounted = false;

  constructor(directory: string, sizeMiB: number) {
    this.directory = directory;
    this.#image = `${directory}.img`;
    mkdirSync(directory, { recursive: true });
    writeFileSync(this.#image, "");
    truncateSync(this.#image, sizeMiB * MIB);
    must("mkfs.ext4", ["-q", "-m", "0", "-J", "size=4", this.#image]);
    this.#device = must("losetup", ["--find", "--show", this.#image]).trim();
    this.#mount();
  }

  #mount(): void {
    must("mount", ["-o", "errors=remount-ro", this.#device, this.directory]);
    this.#isMounted = true;
  }

  /** From this moment nothing more reaches the disk: what was not synced is gone. */
  cut(): void {
    const script = `sysopen(my $d, $ARGV[0], 0) or die $!; my $how = pack("I", ${NO_LOG_FLUSH}); ioctl($d, ${SHUTDOWN}, $how) or die $!`;
    must("perl", ["-e", script, this.directory]);
  }

  /** As at the next boot; nobody may have a file open. `repair` is what an error found on the way asks for. */
  async remount(): Promise<void> {
    // The kernel is not always done with a process when its end is told.
    for (let tries = 1; spawnSync("umount", [this.directory]).status !== 0; tries += 1) {
      if (tries === UMOUNT_TRIES) must("umount", [this.directory]);
      await wait(UMOUNT_PAUSE_MS);
    }
    this.#isMounted = false;
    // 1: errors were mended.
    const checked = spawnSync("e2fsck", ["-p", this.#device], { encoding: "utf8" });
    if ((checked.status ?? 8) > 1) throw new Error(`e2fsck: ${checked.stdout}${checked.stderr}`);
    this.#mount();
  }

  /** The kernel meets an error on the disk and makes it read-only, as with a card that dies. */
  failReadOnly(): void {
    writeFileSync(`/sys/fs/ext4/${basename(this.#device)}/trigger_fs_error`, "shao test");
  }

  /** Writes ballast until nothing is left. */
  fill(): void {
    const file = openSync(join(this.directory, "ballast"), "w");
    try {
      for (const size of [MIB, 4096]) {
        const chunk = new Uint8Array(size).fill(0x55);
        try {
          for (;;) writeSync(file, chunk);
        } catch {
          // Full, which is what was wanted.
        }
      }
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(join(this.directory, "ballast"), { force: true });
    // A disk that dies before it was synced would have the ballast back, and nobody who takes it away.
    spawnSync("sync", ["-f", this.directory]);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory);
    return bavail * bsize;
  }

  destroy(): void {
    if (this.#isMounted && spawnSync("umount", [this.directory]).status !== 0) {
      spawnSync("umount", ["-l", this.directory]);
    }
    spawnSync("losetup", ["--detach", this.#device]);
    rmSync(this.#image, { force: true });
  }
}

function must(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
