import { type ChildProcess, fork } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import type { Child } from "../../cli/sim/child.ts";
import { startLinkProxy } from "../../cli/sim/link-proxy.ts";
import { LocalSystem } from "../../cli/sim/local-system.ts";
import { openStore } from "../../cloud-bridge/store/database.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";
import { scratchFolder } from "../fakes/rigs.ts";
import { seededRandom } from "./seeded-random.ts";

const NODE = "clips-01";
/** Clips of real size take minutes on a slow line: the suite sends shorter ones, and `--long` all of it. */
const IS_LONG = process.env["SHAO_LONG"] === "1";
const CLIP_BYTES = (IS_LONG ? 2.5 : 0.5) * 1024 * 1024;
const RATE_BYTES_PER_S = IS_LONG ? 400_000 : 150_000;
const ROUNDS = IS_LONG ? 3 : 1;
const POINTS = IS_LONG
  ? ["gateway-after-chunk", "gateway-after-blob-stored", "bridge-mid-blob", "bridge-before-blob-receipt"]
  : ["gateway-after-chunk", "bridge-before-blob-receipt"];
/** Two clips at first, then one at each point. */
const RECORDS = 1 + POINTS.length;
const ENTRY = fileURLToPath(new URL("./evidence-node.ts", import.meta.url));

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

class Site {
  readonly system: LocalSystem;
  readonly config: string;
  bridge: Child | undefined;
  gateway: ChildProcess | undefined;

  constructor(system: LocalSystem, config: string) {
    this.system = system;
    this.config = config;
  }

  async startGateway(faultPoint?: string): Promise<void> {
    const child = fork(ENTRY, [this.config, ...(faultPoint === undefined ? [] : [faultPoint])], { stdio: "ignore" });
    this.gateway = child;
    await new Promise((resolve, reject) => {
      child.once("message", resolve);
      child.once("exit", (code, signal) => reject(new Error(`gateway ended: ${code ?? signal}`)));
    });
  }

  async killGateway(): Promise<void> {
    const child = this.gateway;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async startBridge(faultPoint?: string): Promise<void> {
    this.bridge = await this.system.startBridge(faultPoint === undefined ? [] : ["--fault-point", faultPoint]);
  }

  async killBridge(): Promise<void> {
    this.bridge?.kill("SIGKILL");
    await this.bridge?.ended;
  }

  /** @returns once the files are in the node's custody; undefined when it died before */
  take(alarmId: string, clips: readonly { name: string; path: string }[]): Promise<unknown> {
    const child = this.gateway;
    return new Promise((resolve) => {
      child?.once("message", resolve);
      child?.once("exit", () => resolve(undefined));
      child?.send({ alarmId, clips });
    });
  }

  stored(sha256: string): boolean {
    return existsSync(join(this.system.bridgeState, "blobs", NODE, sha256));
  }

  /** Rows that say so too: a file alone is no custody. */
  async states(): Promise<Map<string, string>> {
    const store = openStore({ state: this.system.bridgeState, nowMs: Date.now() });
    try {
      const rows = await store.db.selectFrom("blobs").select(["sha256", "state"]).execute();
      return new Map(rows.map(({ sha256, state }) => [sha256, state]));
    } finally {
      await store.close();
    }
  }

  async evidence(): Promise<{ evidence_id: string; signature: string }[]> {
    const store = openStore({ state: this.system.bridgeState, nowMs: Date.now() });
    try {
      return await store.db.selectFrom("evidence").select(["evidence_id", "signature"]).execute();
    } finally {
      await store.close();
    }
  }

  async until(is: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
    const untilMs = Date.now() + withinMs;
    while (Date.now() < untilMs) {
      if (await is()) return true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return false;
  }
}

async function setUp(): Promise<{ site: Site; link: Awaited<ReturnType<typeof startLinkProxy>>; path: string }> {
  const folder = scratchFolder();
  ending.push(() => folder.remove());
  const { system, adminToken } = await LocalSystem.create({ directory: folder.path });
  const link = await startLinkProxy({ to: { host: "127.0.0.1", port: system.mqttPort } });
  ending.push(() => link.close());
  const bridge = { url: `mqtts://127.0.0.1:${link.port}`, rateBytesPerS: RATE_BYTES_PER_S };
  const config = system.writeNodeConfig(NODE, { devices: {}, bridge }, link.port);
  const site = new Site(system, config);
  ending.push(() => site.killGateway());
  ending.push(() => site.bridge?.stop());
  await site.startBridge();
  await system.pair(await system.signIn(adminToken), NODE);
  return { site, link, path: folder.path };
}

test("clips come whole through kills of either half in the middle of them, a cut link, and fault points", {
  timeout: 600_000,
}, async () => {
  const seed = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  const { site, link, path } = await setUp();
  const files = new Map<string, Uint8Array>();
  const make = (name: string) => {
    const bytes = randomBytes(Math.floor((0.6 + random() * 0.8) * CLIP_BYTES));
    files.set(createHash("sha256").update(bytes).digest("hex"), bytes);
    const file = join(path, name);
    writeFileSync(file, bytes);
    return { name, path: file };
  };
  await site.startGateway();
  await site.take(newAlarmId(Date.now()), [make("front"), make("back")]);
  let kills = 0;
  const partOf = (sha256: string) => `${join(site.system.bridgeState, "blobs", NODE, sha256)}.part`;
  const isUnderWay = () => [...files.keys()].some((sha256) => existsSync(partOf(sha256)));
  expect(await site.until(isUnderWay, 30_000)).toBe(true);
  for (let i = 0; i < ROUNDS; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, random() * 1500));
    await site.killGateway();
    await site.startGateway();
    await new Promise((resolve) => setTimeout(resolve, random() * 1500));
    link.set("cut");
    await site.killBridge();
    link.set("open");
    await site.startBridge();
    kills += 2;
  }
  const isStored = async () => {
    const states = await site.states();
    return [...files.keys()].every((sha256) => states.get(sha256) === "stored");
  };
  expect(await site.until(isStored, 120_000)).toBe(true);

  const reached: Record<string, boolean> = {};
  for (const point of POINTS) {
    const isGateway = point.startsWith("gateway");
    if (isGateway) {
      await site.killGateway();
      await site.startGateway(point);
    } else {
      await site.killBridge();
      await site.startBridge(point);
    }
    const clip = make(point);
    const taken = await site.take(newAlarmId(Date.now()), [clip]);
    const died = () =>
      isGateway ? site.gateway?.signalCode === "SIGKILL" : site.bridge !== undefined && isDead(site.bridge.pid);
    reached[point] = await site.until(died, 60_000);
    if (isGateway) await site.startGateway();
    else await site.startBridge();
    kills += 1;
    // It died before it had promised custody: who hands a clip in still has it, and hands it in again.
    if (taken === undefined) await site.take(newAlarmId(Date.now()), [clip]);
    expect(await site.until(isStored, 90_000), `${point}, seed ${seed}`).toBe(true);
  }
  for (const [sha256, bytes] of files) {
    const stored = readFileSync(join(site.system.bridgeState, "blobs", NODE, sha256));
    expect(Buffer.compare(stored, bytes), `seed ${seed}`).toBe(0);
  }
  // Every record is there with them, signed by the key that the bridge pinned.
  await site.until(async () => (await site.evidence()).length >= RECORDS, 90_000);
  expect((await site.evidence()).length, `seed ${seed}`).toBeGreaterThanOrEqual(RECORDS);
  expect((await site.evidence()).every(({ signature }) => signature === "good")).toBe(true);
  expect(reached).toEqual(Object.fromEntries(POINTS.map((point) => [point, true])));
  process.stderr.write(`${JSON.stringify({ seed, kills, files: files.size, reached })}\n`);
});

function isDead(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
