import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type CustodyPart, row, say } from "./custody-part.ts";
import { type Outage, type OutageResult, outageRun } from "./outage-run.ts";
import type { BenchRow } from "./report.ts";

const PEERS = process.env["SHAO_BENCH_PEERS"] ?? fileURLToPath(new URL("../.cache/peers", import.meta.url));
const OUTAGES = process.env["SHAO_BENCH_OUTAGES"] ?? "20,600,60+power";
/** Seconds that a gateway may not have committed yet when its power goes. */
const UNCOMMITTED_LEVELS = 2;
const NEEDED = ["node-red/node_modules/node-red-contrib-modbus", "collectd/usr/sbin/collectd"];

export const peersPart: CustodyPart = {
  what: `outages of ${OUTAGES} s in real time: lost, doubled, out of order, beside Node-RED, collectd and a plain script`,
  async run() {
    const missing = NEEDED.filter((path) => !existsSync(join(PEERS, path)));
    if (missing.length > 0) throw new Error(`the peers are not set up in ${PEERS}: run bench/peers/setup`);
    const outages = OUTAGES.split(",").map(outageOf);
    say(`outages of ${OUTAGES} s, all at the same time`);
    const results = await Promise.all(outages.map((outage) => outageRun(PEERS, outage)));
    return outages.flatMap((outage, at) => (results[at] ?? []).flatMap((result) => rowsOf(outage, result)));
  },
};

/** `600`, or `60+power` for one in which the box loses its power as well. */
function outageOf(text: string): Outage {
  const [seconds, power] = text.split("+");
  const outage = { seconds: Number(seconds), withPowerLoss: power === "power" };
  if (!(outage.seconds >= 5 && outage.seconds <= 700)) throw new Error(`an outage takes 5 to 700 s, not ${text}`);
  return outage;
}

function rowsOf({ seconds, withPowerLoss }: Outage, result: OutageResult): BenchRow[] {
  const what = `outage of ${seconds} s${withPowerLoss ? " with a power loss in it" : ""}, ${result.who}`;
  const of = `of ${result.read} values read from the meter`;
  return [
    row(`${what}, lost`, result.lost, "values", {
      ...(result.who === "shao" ? { goal: withPowerLoss ? UNCOMMITTED_LEVELS : 0 } : {}),
      note: of,
    }),
    row(`${what}, doubled`, result.doubled, "values"),
    row(`${what}, out of order`, result.disordered, "values", { note: "arrived after a later one" }),
    row(`${what}, never read`, result.unread, "values", { note: "seconds of the window without a read" }),
    row(`${what}, until all was there`, result.recoveredS, "s", { note: "after the link came back" }),
  ];
}
