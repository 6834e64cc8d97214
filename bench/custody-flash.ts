import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import type { CustodyJournal, WorkingLevel } from "../gateway/contracts/journal.ts";
import { openJournal } from "../gateway/journal/open-journal.ts";
import { type CustodyPart, row, say } from "./custody-part.ts";
import { mountLoopDisk } from "./loop-disk.ts";
import { noiseMinute } from "./noise-minute.ts";
import { startShao, stopped } from "./process-figures.ts";
import { METERS, startTenMeters } from "./ten-meters.ts";

const MINUTES = Number(process.env["SHAO_BENCH_FLASH_MINUTES"] ?? 5);
const DISK_MB = 256;
const SETTLE_MS = 15_000;
const MINUTE_MS = 60_000;
const LEVEL_BYTES = 2;

export const flashPart: CustodyPart = {
  what: `bytes that a ten-meter site writes to its disk in an hour, from ${MINUTES} minutes on a loop mount (root)`,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "shao-flash-"));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const grouped = stack.use(mountLoopDisk(folder, "grouped", DISK_MB));
    const single = stack.use(mountLoopDisk(folder, "single", DISK_MB));
    const meters = stack.use(await startTenMeters({ state: join(grouped.folder, "state") }));
    const gateway = startShao(["gateway", "--config", meters.config]);
    stack.defer(() => stopped(gateway));
    const stop = new AbortController();
    const writing = writeEachLevel(join(single.folder, "state"), stop.signal);
    stack.defer(async () => {
      stop.abort();
      await writing;
    });
    await wait(SETTLE_MS);
    const before = {
      grouped: grouped.writtenBytes(),
      single: single.writtenBytes(),
      process: writtenBytes(gateway.pid),
    };
    const startedMs = performance.now();
    for (let minute = 0; minute < MINUTES; minute += 1) {
      await wait(MINUTE_MS);
      if (gateway.exitCode !== null) throw new Error(`the gateway ended: ${gateway.said.join("")}`);
      say(`flash: ${minute + 1} of ${MINUTES} minutes`);
    }
    const hours = (performance.now() - startedMs) / 3_600_000;
    const mbAnHour = (bytes: number) => bytes / 1e6 / hours;
    const groupedMb = mbAnHour(grouped.writtenBytes() - before.grouped);
    const singleMb = mbAnHour(single.writtenBytes() - before.single);
    return [
      row("flash, ten meters, an hour", groupedMb, "MB", {
        ...{ peer: singleMb, limit: (METERS * 3600 * LEVEL_BYTES) / 1e6 },
        note: `sectors of an ext4 on a loop device, ${MINUTES} min; peer: the same levels each in a commit of its own; limit: 2 bytes a level`,
      }),
      row("flash, ten meters, an hour, by the process", mbAnHour(writtenBytes(gateway.pid) - before.process), "MB", {
        note: "write_bytes of /proc/PID/io, without the file system's own",
      }),
    ];
  },
};

/** The same journal without company: each level is committed when it comes, and each minute's record too. */
async function writeEachLevel(directory: string, signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  const stamp = () => ({
    upMs: Math.round(performance.now() - startedMs),
    atMs: Date.now(),
    timeQuality: "ntp" as const,
  });
  await using journal = await openJournal({ directory, stamp });
  const devices = Array.from({ length: METERS }, (_, at) => `noise-${at + 1}`);
  for (let second = 1; !signal.aborted; second += 1) {
    for (const device of devices) {
      const atMs = Math.floor(Date.now() / 1000) * 1000;
      const level: WorkingLevel = { device, atMs, levelDb: 50 + Math.random(), quantity: "LAF", flags: [] };
      await journal.write({ levels: [level] }, "urgent");
      if (second % 60 === 0) await writeMinute(journal, device, stamp());
    }
    await wait(Math.max(0, startedMs + second * 1000 - performance.now()), undefined, { signal }).catch(
      () => undefined,
    );
  }
}

async function writeMinute(
  journal: CustodyJournal,
  device: string,
  stamp: { readonly upMs: number; readonly atMs: number; readonly timeQuality: "ntp" },
): Promise<void> {
  const fromMs = stamp.atMs - MINUTE_MS;
  const append = [{ ...stamp, kind: "noise" as const, device, body: noiseMinute(fromMs, "LAF") }];
  await journal.write({ append, dropLevelsBefore: [{ device, atMs: stamp.atMs }] }, "urgent");
}

function writtenBytes(pid: number | undefined): number {
  const io = readFileSync(`/proc/${pid ?? 0}/io`, "utf8");
  return Number(/^write_bytes: (\d+)/m.exec(io)?.[1] ?? Number.NaN);
}
