import { type CustodyPart, row, say } from "./custody-part.ts";
import { type Drained, drainRun, type Jitter } from "./drain-run.ts";
import { startPacedLink } from "./paced-link.ts";
import { percentile } from "./percentile.ts";
import type { BenchRow } from "./report.ts";

const DAY_MINUTES = 1440;
const IDLE_S = 60;
/** 64 kbit/s each way. */
const SLOW_BYTES_PER_S = 8000;

export const drainPart: CustodyPart = {
  what: "24 h of ten meters over loopback and over 64 kbit/s: time, bytes a level, processor, poll jitter meanwhile",
  async run() {
    say("drain over loopback");
    const fast = await drainRun(DAY_MINUTES, IDLE_S);
    say("drain over 64 kbit/s");
    const slow = await drainRun(DAY_MINUTES, 0, (to) => startPacedLink({ to, bytesPerS: SLOW_BYTES_PER_S }));
    return [
      ...drainRows("loopback", fast),
      ...drainRows("64 kbit/s", slow),
      ...jitterRows("loopback", fast.draining, fast.idle),
      ...jitterRows("64 kbit/s", slow.draining, fast.idle),
    ];
  },
};

function drainRows(line: string, drained: Drained): BenchRow[] {
  const { records, stored, levels, seconds, upBytes, downBytes } = drained;
  const note =
    stored < records
      ? `given up with ${stored} of ${records} records stored; a level's bytes are of those`
      : `${records} records, ${levels} levels`;
  const sent = (levels * stored) / records;
  return [
    row(`drain of a day, ${line}`, seconds, "s", { note }),
    row(`drain of a day, records, ${line}`, stored / seconds, "records/s"),
    row(`drain of a day, one level, ${line}`, (upBytes + downBytes) / sent, "bytes", {
      goal: 2,
      note: "on the TCP socket both ways, over levels: TLS, MQTT, PUBACKs, receipts, statistics, health, positions included",
    }),
    row(`drain of a day, one level, node to bridge, ${line}`, upBytes / sent, "bytes"),
    row(`drain of a day, gateway's processor, ${line}`, drained.gatewayProcessorS, "s"),
    row(`drain of a day, bridge's processor, ${line}`, drained.bridgeProcessorS, "s"),
  ];
}

function jitterRows(line: string, draining: Jitter, idle: Jitter): BenchRow[] {
  const kinds = [
    { slave: "our slave", busy: draining.ours, quiet: idle.ours },
    { slave: "pymodbus", busy: draining.pymodbus, quiet: idle.pymodbus },
  ];
  return kinds.flatMap(({ slave, busy, quiet }) =>
    [50, 99].map((percent) =>
      row(`poll jitter while draining, ${line}, p${percent}, ${slave}`, percentile(busy, percent), "ms", {
        ...(percent === 99 ? { goal: 50 } : {}),
        peer: percentile(quiet, percent),
        note: `${busy.length} pauses against their period of 1 s; peer: ${quiet.length} of the same gateway when all is sent`,
      }),
    ),
  );
}
