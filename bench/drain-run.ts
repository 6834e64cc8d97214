import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePorts } from "../cli/sim/free-port.ts";
import { end, start } from "./children.ts";
import { say } from "./custody-part.ts";
import { type Backlog, writeBacklog } from "./day-backlog.ts";
import { type Line, PairedNode } from "./paired-node.ts";
import { PollTimes } from "./poll-times.ts";
import { processorS } from "./process-figures.ts";
import { METERS, simulateTenMeters } from "./ten-meters.ts";

const SLAVE = fileURLToPath(new URL("pymodbus-slave.py", import.meta.url));
const PERIOD_MS = 1000;
const SETTLE_MS = 8000;
const GIVE_UP_MS = 590_000;
const LOOK_EVERY_MS = 500;

export interface Drained extends Backlog {
  /** Of `records`, those that the bridge had when it was given up or over. */
  readonly stored: number;
  /** From the first byte on. */
  readonly seconds: number;
  /** What passed the socket both ways, TLS and MQTT and receipts included. */
  readonly upBytes: number;
  readonly downBytes: number;
  readonly gatewayProcessorS: number;
  readonly bridgeProcessorS: number;
  /** ms that a poll was off its period while it drained, and afterwards; of our slave and of pymodbus. */
  readonly draining: Jitter;
  readonly idle: Jitter;
}
export interface Jitter {
  readonly ours: readonly number[];
  readonly pymodbus: readonly number[];
}

/**
 * A gateway with ten meters that it reads and a day of records that it never sent gets its link.
 * @param idleS how long polls are watched once all is sent; 0 for not at all
 */
export async function drainRun(minutes: number, idleS: number, line?: Line): Promise<Drained> {
  const folder = mkdtempSync(join(tmpdir(), "shao-drain-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const times = new PollTimes(PERIOD_MS);
  const crossTimes = new PollTimes(PERIOD_MS);
  const take = (): Jitter => ({ ours: times.take(), pymodbus: crossTimes.take() });
  const site = stack.use(await simulateTenMeters((unit) => times.heard(unit)));
  const [crossPort = 0] = await freePorts(1);
  const slave = start("/usr/bin/python3", [SLAVE, String(crossPort)]);
  stack.defer(() => end(slave));
  if (slave.child.stdout !== null) {
    createInterface({ input: slave.child.stdout }).on("line", (text) => crossTimes.heard(1, Number(text)));
  }
  const config = {
    ...site.config,
    buses: { ...site.config["buses"], cross: { tcp: `127.0.0.1:${crossPort}`, framing: "tcp" } },
    devices: { ...site.config["devices"], cross: { driver: "modbus-noise", bus: "cross", unit: 1 } },
  };
  const pair = stack.use(await PairedNode.create(folder, config, line));
  const backlog = await writeBacklog(pair.state, METERS, minutes);
  say(`a backlog of ${backlog.records} records is written`);
  pair.link.set("cut");
  const gateway = pair.startGateway();
  await wait(SETTLE_MS);
  take();
  const before = { gateway: processorS(gateway.pid), bridge: processorS(pair.bridge.pid) };
  pair.link.set("open");
  while (pair.link.bytes.up === 0) await wait(5);
  const startedMs = performance.now();
  let stored = 0;
  let seconds = 0;
  for (let told = 0; stored < backlog.records; ) {
    await wait(LOOK_EVERY_MS);
    seconds = (performance.now() - startedMs) / 1000;
    const [count] = pair.stored("SELECT count(*) AS n FROM inbox WHERE run = ?", backlog.run) as { n: number }[];
    stored = count?.n ?? 0;
    if (seconds * 1000 > GIVE_UP_MS) break;
    if (seconds - told < 30) continue;
    told = seconds;
    say(`${stored} of ${backlog.records} after ${Math.round(seconds)} s`);
  }
  const { up, down } = pair.link.bytes;
  const gatewayProcessorS = processorS(gateway.pid) - before.gateway;
  const bridgeProcessorS = processorS(pair.bridge.pid) - before.bridge;
  const draining = take();
  await wait(idleS * 1000);
  const idle = take();
  return {
    ...{ ...backlog, stored, seconds, upBytes: up, downBytes: down },
    ...{ gatewayProcessorS, bridgeProcessorS, draining, idle },
  };
}
