import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type CustodyPart, row, say } from "./custody-part.ts";
import type { JournalRates, Rate } from "./journal-rates.ts";
import { percentile } from "./percentile.ts";
import type { BenchRow } from "./report.ts";
import { slowFsync } from "./slow-fsync.ts";

const PROGRAM = fileURLToPath(new URL("journal-rates.ts", import.meta.url));
const SLOWER_MS = 20;
const LIMIT_MS = 240_000;

export const journalPart: CustodyPart = {
  what: "records a second in batches of 100 and one alarm's commit, on this disk and on one whose sync takes 20 ms longer",
  async run() {
    say("journal, on this disk");
    const fast = await rates(["50000", "500", "3"], {});
    const folder = mkdtempSync(join(tmpdir(), "shao-slow-"));
    try {
      say(`journal, every sync ${SLOWER_MS} ms slower`);
      const slow = await rates(["10000", "100", "1"], slowFsync(folder, SLOWER_MS));
      return [...rows("", fast, 100_000), ...rows(`, sync + ${SLOWER_MS} ms`, slow, 2_000)];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function rows(disk: string, rates: JournalRates, goal: number): BenchRow[] {
  const { oneByOne, tenAlone, tenGrouped, bare, alarmMs, bareMs } = rates;
  const note = "best of the rounds; peer: the same rows by a bare better-sqlite3 loop, a commit for each 100";
  const perS = (metric: string, rate: Rate, more: { readonly goal?: number } = {}) =>
    row(`journal, ${metric}${disk}`, rate.perS, "records/s", { ...more, peer: bare.perS, note });
  const perProcessorS = (metric: string, rate: Rate) =>
    row(`journal, ${metric}, processor${disk}`, rate.perProcessorS, "records/processor s", {
      peer: bare.perProcessorS,
    });
  return [
    perS("ten batches waiting, which share commits", tenGrouped, { goal }),
    perS("ten batches waiting, a commit each", tenAlone, { goal }),
    perS("one batch after another", oneByOne),
    perProcessorS("ten batches waiting, which share commits", tenGrouped),
    perProcessorS("ten batches waiting, a commit each", tenAlone),
    row(`journal, one alarm, p50${disk}`, percentile(alarmMs, 50), "ms", { peer: percentile(bareMs, 50) }),
    row(`journal, one alarm, p99${disk}`, percentile(alarmMs, 99), "ms", {
      ...{ goal: Math.max(2, Math.round(percentile(bareMs, 99) + 5)), peer: percentile(bareMs, 99) },
      note: "goal: 2 ms, or the peer's one row committed in the same run + 5 ms",
    }),
  ];
}

async function rates(args: readonly string[], env: NodeJS.ProcessEnv): Promise<JournalRates> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    ...{ stdio: ["ignore", "pipe", "inherit"], timeout: LIMIT_MS, killSignal: "SIGKILL" },
    env: { ...process.env, ...env },
  });
  const ended = once(child, "exit");
  const said = await text(child.stdout);
  const [code] = await ended;
  if (code !== 0) throw new Error(`journal-rates ended with ${String(code)}`);
  return JSON.parse(said) as JournalRates;
}
