import process from "node:process";
import { type BenchRow, report, rounded } from "./report.ts";
import { backlogCost, liveCost, type WireCost } from "./wire-run.ts";

const BACKLOG_MINUTES = 20_000;
const LIVE_MINUTES = 4;

const say = (text: string) => void process.stderr.write(`${text}\n`);
const backlog = await backlogCost(BACKLOG_MINUTES);
say(`backlog: ${backlog.upBytes} bytes up, ${backlog.downBytes} down`);
const live = await liveCost(LIVE_MINUTES, say);
const row = (
  metric: string,
  { levels, upBytes, downBytes }: WireCost,
  goal: number | null,
  note: string,
): BenchRow => ({
  metric,
  value: rounded((upBytes + downBytes) / levels),
  unit: "bytes/level",
  goal,
  peer: null,
  limit: null,
  note: `${note}; ${rounded(upBytes / levels)} up and ${rounded(downBytes / levels)} down, TLS and MQTT included`,
});
report([
  row("one 1-s level on the wire, backlog", backlog, 2, `${BACKLOG_MINUTES} minutes, connect and hello included`),
  row("one 1-s level on the wire, one live meter", live.records, 8, `${LIVE_MINUTES} minutes, a record in each`),
  row("the same with health and pings", live.all, null, `${LIVE_MINUTES} minutes of the whole line`),
]);
process.exit(0);
