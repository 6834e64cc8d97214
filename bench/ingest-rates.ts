import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Ingest } from "../cloud-bridge/ingest/ingest.ts";
import { electWriter, openStore } from "../cloud-bridge/store/database.ts";
import { silentLogger } from "../cloud-bridge/store/logger.ts";
import type { PostgresAddress } from "../cloud-bridge/store/postgres-connection.ts";
import { openPostgresStore } from "../cloud-bridge/store/postgres-store.ts";
import { encodeEnvelope } from "../protocol/envelope.ts";
import { encodeHello, helloPages } from "../protocol/hello.ts";
import { WINDOW_RECORDS } from "../protocol/limits.ts";
import { newRunId } from "../protocol/new-ids.ts";
import { countOf } from "../protocol/ranges.ts";
import { encodeRecord } from "../protocol/record-codec.ts";
import { bareInserts } from "./bare-inserts.ts";
import { barePostgres } from "./bare-postgres.ts";
import { noiseMinute } from "./noise-minute.ts";
import { startPostgres } from "./postgres.ts";
import { type BenchRow, rounded } from "./report.ts";

const NODES = 40;
const RECORDS_PER_NODE = 2_000;
const MINUTE_MS = 60_000;
const TRIES = 3;
const GOAL = 30_000;
const GOAL_POSTGRES = 20_000;

interface Measured {
  readonly perS: number;
  readonly perProcessorS: number;
}

/** Minutes of 60 levels, from the envelope as the broker hands it over to the receipt after its commit, on a real disk. */
export async function ingestRows(): Promise<readonly BenchRow[]> {
  const stored: Uint8Array[] = [];
  const twenty: Measured[] = [];
  const single: Measured[] = [];
  const bare: Measured[] = [];
  for (let n = 0; n < TRIES; n += 1) {
    twenty.push(await measure(20, RECORDS_PER_NODE, stored));
    single.push(await measure(1, RECORDS_PER_NODE / 4));
    bare.push(bareInserts(stored, 64 * 20));
    const [a, b, c] = [twenty.at(-1), single.at(-1), bare.at(-1)].map((one) => Math.round(one?.perProcessorS ?? 0));
    process.stderr.write(`records per processor second: 20 an envelope ${a}, 1 an envelope ${b}, bare inserts ${c}\n`);
  }
  const peer = best(bare);
  const note = `best of ${TRIES}; peer: the same rows by a bare better-sqlite3 loop, nothing read or checked`;
  const row = (metric: string, unit: string, goal: number | null, of: (one: Measured) => number, all = twenty) => {
    const figures: BenchRow = {
      metric,
      unit,
      goal,
      value: rounded(of(best(all))),
      peer: rounded(of(peer)),
      limit: null,
    };
    return { ...figures, note };
  };
  const onPostgres = await postgresRows(stored);
  return [
    ...onPostgres,
    row("ingest, 20 an envelope", "records/s", GOAL, ({ perS }) => perS),
    row("ingest, 20 an envelope, processor", "records/processor s", null, ({ perProcessorS }) => perProcessorS),
    row("ingest, 1 an envelope", "records/s", null, ({ perS }) => perS, single),
    row("ingest, 1 an envelope, processor", "records/processor s", null, ({ perProcessorS }) => perProcessorS, single),
  ];
}

/** The same on PostgreSQL, where this machine has one; the peer is a bare loop of the same rows over one connection. */
async function postgresRows(stored: readonly Uint8Array[]): Promise<readonly BenchRow[]> {
  await using server = await startPostgres();
  if (server === undefined) return [];
  const { address } = server;
  const twenty: Measured[] = [];
  const bare: Measured[] = [];
  for (let n = 0; n < TRIES; n += 1) {
    twenty.push(await measure(20, RECORDS_PER_NODE / 2, undefined, address));
    bare.push(await barePostgres(address, stored.slice(0, stored.length / 2), 64 * 20));
    const [a, b] = [twenty, bare].map((all) => Math.round(all.at(-1)?.perS ?? 0));
    process.stderr.write(`records per second on PostgreSQL: 20 an envelope ${a}, bare inserts ${b}\n`);
  }
  const note = `best of ${TRIES}, server on the same machine; peer: the same rows by a bare pg loop, 64 a statement`;
  const figures = { unit: "records/s", peer: rounded(best(bare).perS), limit: null, note };
  return [
    {
      metric: "ingest on PostgreSQL, 20 an envelope",
      goal: GOAL_POSTGRES,
      value: rounded(best(twenty).perS),
      ...figures,
    },
  ];
}

function best(all: readonly Measured[]): Measured {
  return all.reduce((a, b) => ({
    perS: Math.max(a.perS, b.perS),
    perProcessorS: Math.max(a.perProcessorS, b.perProcessorS),
  }));
}

/** Each node keeps its window full, as the sender does, and sends on with each receipt. */
async function measure(
  perEnvelope: number,
  records: number,
  keep?: Uint8Array[],
  postgres?: PostgresAddress,
): Promise<Measured> {
  const state = mkdtempSync(join(tmpdir(), "shao-ingest-"));
  const nowMs = Date.now();
  const store =
    postgres === undefined ? openStore({ state, nowMs }) : await openPostgresStore({ address: postgres, nowMs });
  const election = postgres === undefined ? await electWriter(state, store) : undefined;
  const nodes = Array.from({ length: NODES }, (_, index) => sendingNode(`bench-${index}`, records, perEnvelope, nowMs));
  const byName = new Map(nodes.map((node) => [node.name, node]));
  let left = NODES * records;
  let isStarted = false;
  const { promise: whole, resolve } = Promise.withResolvers<void>();
  const ingest = new Ingest({
    store,
    clock: { nowMs: Date.now, upMs: () => performance.now() },
    log: silentLogger,
    publishReceipt(name, message) {
      if (message.type !== "receipt") return undefined;
      const count = countOf(message.ranges);
      left -= count;
      if (left === 0) resolve();
      const node = byName.get(name);
      if (node !== undefined) node.inFlight -= count;
      return undefined;
    },
    onCommitted: () => {
      for (const node of nodes) void feed(node);
    },
  });
  async function feed(node: SendingNode): Promise<void> {
    if (node.isHeld || !isStarted) return;
    node.isHeld = true;
    while (node.inFlight + perEnvelope <= WINDOW_RECORDS) {
      const envelope = node.envelopes[node.next];
      if (envelope === undefined) break;
      node.next += 1;
      node.inFlight += perEnvelope;
      await ingest.onUp(node.name, envelope);
    }
    node.isHeld = false;
  }
  try {
    for (const { name, hello } of nodes) await ingest.onUp(name, hello);
    await ingest.idle();
    const processor = process.cpuUsage();
    const startedMs = performance.now();
    isStarted = true;
    for (const node of nodes) void feed(node);
    await whole;
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(processor);
    keep?.push(...(keep.length === 0 ? nodes.flatMap((node) => node.records) : []));
    return { perS: (NODES * records) / seconds, perProcessorS: (NODES * records) / ((user + system) / 1e6) };
  } finally {
    await ingest.idle();
    election?.resign();
    await store.close();
    rmSync(state, { recursive: true, force: true });
  }
}

interface SendingNode {
  readonly name: string;
  readonly hello: Uint8Array;
  readonly records: readonly Uint8Array[];
  readonly envelopes: readonly Uint8Array[];
  next: number;
  inFlight: number;
  isHeld: boolean;
}

/** All that a node will send, packed beforehand: the node's processor is not the bridge's. */
function sendingNode(name: string, count: number, perEnvelope: number, nowMs: number): SendingNode {
  const run = newRunId();
  const [page] = helloPages({ session: newRunId(), current: run, runs: [{ run, first: 1, head: 0 }], open: [] });
  if (page === undefined) throw new Error("no page");
  const records = Array.from({ length: count }, (_, index) => minute(index + 1, nowMs - (count - index) * MINUTE_MS));
  const envelopes: Uint8Array[] = [];
  for (let at = 0; at < count; at += perEnvelope) {
    const items = records.slice(at, at + perEnvelope);
    envelopes.push(encodeEnvelope({ run, head: at + items.length, upMs: count * MINUTE_MS }, items));
  }
  return { name, hello: encodeHello(page), records, envelopes, next: 0, inFlight: 0, isHeld: false };
}

function minute(seq: number, fromMs: number): Uint8Array {
  return encodeRecord(seq, {
    kind: "noise",
    device: "noise-01",
    upMs: seq * MINUTE_MS,
    atMs: fromMs + MINUTE_MS,
    timeQuality: "ntp",
    body: noiseMinute(fromMs),
  });
}
