import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type CustodyPart, row, say } from "./custody-part.ts";
import type { JournalRates } from "./journal-rates.ts";
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

function rows(
  disk: string,
  { oneByOne, tenOutstanding, bare, alarmMs, bareMs }: JournalRates,
  goal: number,
): BenchRow[] {
  const peer = "peer: the same rows by a bare better-sqlite3 loop, a commit for each 100";
  const sync = percentile(bareMs, 99);
  return [
    row(`journal, ten batches outstanding${disk}`, tenOutstanding.perS, "records/s", {
      goal,
      peer: bare.perS,
      note: peer,
    }),
    row(`journal, one batch after another${disk}`, oneByOne.perS, "records/s", { goal, peer: bare.perS, note: peer }),
    row(`journal, ten batches outstanding, processor${disk}`, tenOutstanding.perProcessorS, "records/processor s", {
      ...{ peer: bare.perProcessorS, note: "all threads" },
    }),
    row(`journal, one alarm, p50${disk}`, percentile(alarmMs, 50), "ms", { peer: percentile(bareMs, 50) }),
    row(`journal, one alarm, p99${disk}`, percentile(alarmMs, 99), "ms", {
      ...{ goal: Math.max(2, Math.round(sync + 5)), peer: sync },
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
