import process from "node:process";
import { whyNoBadLink } from "../cli/sim/bad-link.ts";
import { BAD_3G } from "../cli/sim/line-shape.ts";
import { runOnBadLink } from "./bad-link-run.ts";
import { percentile } from "./percentile.ts";
import { report, rounded } from "./report.ts";

const ALARMS = 105;
const BACKLOG_RECORDS = 100_000;
const LIMIT_MS = 500_000;

const reason = whyNoBadLink();
if (reason !== undefined) throw new Error(`the bad link cannot be made here: ${reason}`);
process.once("SIGINT", () => process.exit(1));
const configured = process.argv[2] === undefined ? undefined : Number(process.argv[2]);
const run = await runOnBadLink({
  shape: BAD_3G,
  alarms: ALARMS,
  backlogRecords: BACKLOG_RECORDS,
  limitMs: LIMIT_MS,
  ...(configured === undefined ? {} : { rateBytesPerS: configured }),
  say: (text) => process.stderr.write(`${text}\n`),
});
const { latenciesMs, backlogStored, elapsedMs, upBytes } = run;
if (latenciesMs.length === 0) throw new Error("no alarm reached the bridge");
const note = `${latenciesMs.length} alarms, 100,000 noise minutes queued, 64 kbit/s, 300 ms, 3 % of packets lost each way; the rate ${configured === undefined ? "measured by the gateway" : `configured, ${configured} bytes/s`}`;
const latency = (share: number, goal: number | null) => ({
  metric: `alarm raised → committed at the bridge over a bad 3G, p${share}`,
  value: rounded(percentile(latenciesMs, share)),
  unit: "ms",
  goal,
  peer: null,
  limit: null,
  note,
});
report([
  latency(50, null),
  latency(99, 2000),
  latency(100, null),
  {
    metric: "backlog drained meanwhile",
    value: rounded((backlogStored * 1000) / elapsedMs),
    unit: "records/s",
    goal: null,
    peer: null,
    limit: null,
  },
  {
    metric: "bytes on the line meanwhile, node to bridge",
    value: rounded((upBytes * 1000) / elapsedMs),
    unit: "bytes/s",
    goal: null,
    peer: null,
    limit: BAD_3G.rateBytesPerS,
    note: "IP packets, lost ones and acknowledgements included; limit: what the line carries",
  },
]);
process.exit(0);
