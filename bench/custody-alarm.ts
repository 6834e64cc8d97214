import { whyNoBadLink } from "../cli/sim/bad-link.ts";
import { BAD_3G } from "../cli/sim/line-shape.ts";
import { alarmsBehindProxy } from "./alarm-behind-proxy.ts";
import { runOnBadLink } from "./bad-link-run.ts";
import { type CustodyPart, row, say } from "./custody-part.ts";
import { percentile } from "./percentile.ts";

const ALARMS = 105;
const BACKLOG_RECORDS = 100_000;
const LIMIT_MS = 500_000;

export const alarmPart: CustodyPart = {
  what: "alarm raised → at the bridge, with 100,000 records waiting on 64 kbit/s, 300 ms, 3 % loss",
  async run() {
    const reason = whyNoBadLink();
    if (reason !== undefined)
      say(`alarm: no bad line can be made here (${reason}); a proxy that loses nothing instead`);
    const latencies = reason === undefined ? await onBadLink() : await alarmsBehindProxy();
    const line = reason === undefined ? "3 % of packets lost each way" : "a proxy, which loses no packet";
    return [50, 99].map((percent) =>
      row(`alarm behind a backlog of 100,000 on 64 kbit/s, p${percent}`, percentile(latencies, percent), "ms", {
        ...(percent === 99 ? { goal: 2000 } : {}),
        ...{ limit: BAD_3G.delayMs, note: `${latencies.length} alarms, ${line}; limit: the way there` },
      }),
    );
  },
};

async function onBadLink(): Promise<readonly number[]> {
  const run = await runOnBadLink({
    ...{ shape: BAD_3G, alarms: ALARMS, backlogRecords: BACKLOG_RECORDS, limitMs: LIMIT_MS },
    say: (text) => say(`alarm: ${text}`),
  });
  return run.latenciesMs;
}
