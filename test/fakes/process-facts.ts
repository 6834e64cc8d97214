import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Open descriptors of a process, this one where none is named. */
export function descriptors(pid: number | "self" = "self"): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

/** Children of a process, dead or alive, in whose command line a word stands. */
export function childrenOf(pid: number | undefined, word: string): readonly number[] {
  const listed = spawnSync("ps", ["-ww", "-o", "pid=,comm=,args=", "--ppid", String(pid)], { encoding: "utf8" });
  return listed.stdout
    .split("\n")
    .filter((line) => line.includes(word))
    .map((line) => Number(line.trim().split(/\s+/)[0]));
}
