import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";

const SECTOR_BYTES = 512;
const SECTORS_WRITTEN = 6;

/** A file with an ext4 on it, mounted through a loop device: what its block device was told to write can be read. */
export interface LoopDisk extends Disposable {
  readonly folder: string;
  /** Since it was mounted, the file system's own journal and tables included. */
  writtenBytes(): number;
}

/** @throws Error without root, or where loop devices are not allowed */
export function mountLoopDisk(folder: string, name: string, sizeMb: number): LoopDisk {
  if (process.getuid?.() !== 0) throw new Error("a loop mount needs root");
  const file = join(folder, `${name}.img`);
  const mount = join(folder, name);
  run("truncate", "-s", `${sizeMb}M`, file);
  // What is not written now would be written in the background, and counted.
  run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", file);
  mkdirSync(mount);
  const device = run("losetup", "--find", "--show", file).trim();
  try {
    run("mount", "-o", "noatime", device, mount);
  } catch (error) {
    run("losetup", "--detach", device);
    throw error;
  }
  const written = () => {
    const fields = readFileSync(`/sys/block/${basename(device)}/stat`, "utf8")
      .trim()
      .split(/\s+/);
    return Number(fields[SECTORS_WRITTEN]) * SECTOR_BYTES;
  };
  const before = written();
  const takeDown = (...how: readonly string[]) => {
    process.off("exit", onExit);
    run("umount", ...how, mount);
    run("losetup", "--detach", device);
    rmSync(file, { force: true });
  };
  // Whoever still writes there is about to end.
  const onExit = () => takeDown("--lazy");
  process.on("exit", onExit);
  return { folder: mount, writtenBytes: () => written() - before, [Symbol.dispose]: takeDown };
}

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, {
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
  });
}
