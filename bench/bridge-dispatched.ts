import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import mqtt, { type MqttClient } from "mqtt";
import { ApiClient } from "../cli/sim/api-client.ts";
import { freePorts } from "../cli/sim/free-port.ts";
import { LocalSystem } from "../cli/sim/local-system.ts";
import { openConfiguredStore } from "../cloud-bridge/configured-store.ts";
import type { Db } from "../cloud-bridge/store/database.ts";
import type { PostgresAddress } from "../cloud-bridge/store/postgres-connection.ts";
import type { AlarmBody } from "../protocol/alarm.ts";
import { encodeEnvelope } from "../protocol/envelope.ts";
import { encodeHello, helloPages } from "../protocol/hello.ts";
import { newAlarmId, newRunId } from "../protocol/new-ids.ts";
import { encodeRecord } from "../protocol/record-codec.ts";
import { buildTopic } from "../protocol/topics.ts";
import { endWithUs } from "./children.ts";
import { type CustodyPart, row } from "./custody-part.ts";
import { percentile } from "./percentile.ts";
import { startPostgres } from "./postgres.ts";
import { processorS, startShao, stopped } from "./process-figures.ts";
import type { BenchRow } from "./report.ts";

const ROUNDS = 6;
/** As many crews as a round has alarms: a crew has one urgent case at a time. */
const CREWS = 200;
const NODES = 50;
const GIVE_UP_MS = 120_000;
const HOUR_MS = 3_600_000;

export const dispatchedPart: CustodyPart = {
  what: `${CREWS} alarms at once over ${CREWS} places until each has its crew, on SQLite and PostgreSQL, beside bare aedes`,
  async run() {
    const onSqlite = await dispatchedRows("SQLite");
    await using server = await startPostgres();
    return [...onSqlite, ...(server === undefined ? [] : await dispatchedRows("PostgreSQL", server.address))];
  },
};

/** Nodes with their runs; each round every one tells a few alarms in one envelope. */
interface Sender {
  readonly client: MqttClient;
  readonly node: string;
  readonly run: string;
  seq: number;
}

async function dispatchedRows(store: string, postgres?: PostgresAddress): Promise<readonly BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), "shao-bench-dispatched-"));
  const { system } = await LocalSystem.create({
    directory,
    bridgeConfig: { dispatch: { policy: "auto" }, insecureLoopback: true },
    ...(postgres === undefined ? {} : { postgres }),
  });
  const kept = { store: postgres === undefined ? ("sqlite" as const) : { postgres }, state: system.bridgeState };
  const own = await openConfiguredStore(kept, { nowMs: Date.now() });
  await addCrews(own.db);
  const bridge = startShao(["bridge", "--config", join(directory, "bridge.yaml"), "--log-level", "error"]);
  const senders: Sender[] = [];
  try {
    const admin = new ApiClient(system.url.replace("https:", "http:"));
    await listening(admin);
    // Where nothing is encrypted the bridge makes its own first link at its start.
    const token = await system.addAccount("bench", "admin");
    await admin.call("POST", "/api/v1/welcome", { token, password: "bench bench bench 1" });
    for (let index = 0; index < NODES; index += 1) senders.push(await sender(system.mqttPort, `bench-${index}`));
    const [rates, processor, bare]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      await placeCrews(own.db);
      const processorBefore = processorS(bridge.pid ?? 0);
      const fromMs = Date.now();
      for (const one of senders) tell(one, round);
      const lastMs = await allSent(own.db);
      // The first round is slow for what it compiles.
      if (round > 0) {
        rates.push((CREWS * 1000) / (lastMs - fromMs));
        processor.push(CREWS / (processorS(bridge.pid ?? 0) - processorBefore));
      }
      process.stderr.write(`${store}: ${CREWS} alarms to their crews in ${lastMs - fromMs} ms\n`);
      await freeAll(own.db, admin);
      bare.push(await bareRate());
    }
    const note = `median of ${ROUNDS - 1} rounds of ${CREWS}; peer: the same messages through bare aedes to a subscriber, nothing stored`;
    return [
      row(`alarms to dispatched on ${store}`, percentile(rates, 50), "alarms/s", { peer: percentile(bare, 50), note }),
      row(`alarms to dispatched on ${store}, processor`, percentile(processor, 50), "alarms/processor s", {
        note: "of the bridge's process",
      }),
    ];
  } finally {
    await Promise.all(senders.map(({ client }) => client.endAsync(true)));
    await stopped(bridge);
    await own.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const placeOf = (index: number) => ({
  latitudeDeg: 39.5 + (index % 40) * 0.02,
  longitudeDeg: 116.0 + Math.floor(index / 40) * 0.02,
});

async function addCrews(db: Db): Promise<void> {
  const nowMs = Date.now();
  const all = Array.from({ length: CREWS }, (_, index) => `crew-${index}`);
  await db.insertInto("units").values({ id: "city", name: "City", level: "city", parent_id: null }).execute();
  const crew = { unit_id: "city", vehicle_node: null, radio_issi: null, assignment_id: null };
  await db
    .insertInto("crews")
    .values(all.map((id) => ({ id, name: id, ...crew })))
    .execute();
  const span = { from_ms: nowMs - HOUR_MS, to_ms: nowMs + HOUR_MS };
  await db
    .insertInto("duties")
    .values(all.map((id) => ({ id: `duty-${id}`, crew_id: id, ...span })))
    .execute();
}

/** A fresh fix for each crew, near the place of one alarm. */
async function placeCrews(db: Db): Promise<void> {
  const nowMs = Date.now();
  await db.deleteFrom("crew_positions").execute();
  const fix = { source: "phone", accuracy_m: null, at_ms: nowMs, received_at_ms: nowMs };
  const rows = Array.from({ length: CREWS }, (_, index) => {
    const { latitudeDeg, longitudeDeg } = placeOf(index);
    return { crew_id: `crew-${index}`, latitude_deg: latitudeDeg + 0.003, longitude_deg: longitudeDeg, ...fix };
  });
  await db.insertInto("crew_positions").values(rows).execute();
}

async function listening(client: ApiClient): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await client.send("GET", "/health").catch(() => undefined);
    if (answer?.status === 200) return;
    await wait(100);
  }
  throw new Error("the bridge does not listen");
}

async function sender(port: number, node: string): Promise<Sender> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: node, clean: true });
  await client.subscribeAsync(buildTopic({ node, channel: "receipt" }), { qos: 1 });
  const [run, session] = [newRunId(), newRunId()];
  const state = JSON.stringify({ v: 1, online: true, session, version: "bench" });
  await client.publishAsync(buildTopic({ node, channel: "state" }), state, { qos: 1, retain: true });
  const [page] = helloPages({ session, current: run, runs: [{ run, first: 1, head: 0 }], open: [] });
  if (page === undefined) throw new Error("no page");
  const answered = new Promise<void>((resolve) => client.once("message", () => resolve()));
  await client.publishAsync(buildTopic({ node, channel: "up" }), Buffer.from(encodeHello(page)), { qos: 1 });
  await answered;
  return { client, node, run, seq: 0 };
}

/** Its part of a round: one envelope for each alarm, as they would come. */
function tell(one: Sender, round: number): void {
  const index = Number(one.node.split("-")[1]);
  const each = CREWS / NODES;
  for (let nth = 0; nth < each; nth += 1) {
    one.seq += 1;
    const nowMs = Date.now();
    const upMs = Math.round(performance.now());
    const body = alarm(placeOf(index * each + nth), nowMs);
    const at = { upMs, atMs: nowMs, timeQuality: "ntp" } as const;
    const item = encodeRecord(one.seq, { ...at, kind: "alarm", device: `noise-${nth}-${round}`, body });
    const envelope = encodeEnvelope({ run: one.run, head: one.seq, upMs }, [item]);
    one.client.publish(buildTopic({ node: one.node, channel: "up" }), Buffer.from(envelope), { qos: 1 });
  }
}

function alarm(place: { latitudeDeg: number; longitudeDeg: number }, nowMs: number): AlarmBody {
  return {
    ...{ alarmId: newAlarmId(nowMs), rev: 1, phase: "raised", family: "noise", nature: "condition" },
    ...{ rule: "night-noise", ruleKind: "trigger", raisedAtMs: nowMs, stateAtMs: nowMs },
    ...{ limits: { raiseDb: 70, clearDb: 67 }, windows: [], evidence: [], position: place },
  };
}

/** @returns when the last crew was sent, by the bridge's clock, which is ours */
async function allSent(db: Db): Promise<number> {
  const untilMs = Date.now() + GIVE_UP_MS;
  while (Date.now() < untilMs) {
    const found = await db
      .selectFrom("assignments")
      .select(({ fn }) => [fn.countAll<number>().as("count"), fn.max("assigned_at_ms").as("lastMs")])
      .where("active", "=", 1)
      .executeTakeFirstOrThrow();
    if (Number(found.count) === CREWS) return Number(found.lastMs);
    await wait(50);
  }
  throw new Error("not every alarm got its crew");
}

/** The desk calls all of it false, so that the next round finds every crew free. */
async function freeAll(db: Db, admin: ApiClient): Promise<void> {
  const open = await db.selectFrom("cases").select("id").where("closed_at_ms", "is", null).execute();
  for (const { id } of open) {
    const act = { act: "false-alarm", cause: "bench: next, please" };
    await admin.call("POST", `/api/v1/cases/${id}/acts`, act, { "idempotency-key": id });
  }
}

/** The same number of messages of this size from as many clients through aedes alone, in a process of its own. */
async function bareRate(): Promise<number> {
  const [port = 0] = await freePorts(1);
  const script = fileURLToPath(new URL("bare-broker.ts", import.meta.url));
  const broker = spawn(process.execPath, [script, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  endWithUs(broker);
  await once(broker.stdout, "data");
  const url = `mqtt://127.0.0.1:${port}`;
  const subscriber = await mqtt.connectAsync(url);
  await subscriber.subscribeAsync("bench/#", { qos: 1 });
  const clients = await Promise.all(Array.from({ length: NODES }, () => mqtt.connectAsync(url)));
  let left = CREWS;
  const all = new Promise<void>((resolve) => subscriber.on("message", () => --left === 0 && resolve()));
  const fromMs = performance.now();
  const payload = Buffer.alloc(600, "x");
  for (const [index, client] of clients.entries()) {
    for (let nth = 0; nth < CREWS / NODES; nth += 1) client.publish(`bench/${index}`, payload, { qos: 1 });
  }
  await all;
  const rate = (CREWS * 1000) / (performance.now() - fromMs);
  await Promise.all([subscriber, ...clients].map((client) => client.endAsync(true)));
  await stopped(broker);
  return rate;
}
