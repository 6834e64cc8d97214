import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { Aedes } from "aedes";
import { connectAsync } from "mqtt";
import { expect, onTestFinished, test, vi } from "vitest";
import { encodeReceiptMessage } from "../../protocol/hello.ts";
import { BridgeBench } from "../cloud-bridge/ingest/bridge-bench.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { forgetFakeTime } from "./fault-needs.ts";

const LIBRARY = libraryPath();
const clockTest = test.skipIf(LIBRARY === undefined);
if (LIBRARY === undefined) {
  if (process.env["CI"] !== undefined) throw new Error("libfaketime is missing: scripts/setup --test");
  console.warn("libfaketime is missing, clocks that jump are not tested: scripts/setup --test installs it");
}
const SOON = { timeout: 30_000, interval: 100 };
const HOUR_MS = 3_600_000;
/** From a process's stamp to this one's look at the clock, on a machine that is busy. */
const NEAR_MS = 30_000;

function libraryPath(): string | undefined {
  const root = "/usr/lib";
  return readdirSync(root)
    .map((name) => join(root, name, "faketime", "libfaketimeMT.so.1"))
    .find((path) => existsSync(path));
}

interface Row {
  readonly seq: number;
  readonly kind: string;
  readonly at_ms: number;
  readonly corrected_at_ms: number | null;
  readonly time_quality: string;
  readonly received_at_ms: number;
}

clockTest(
  "a real gateway whose clock stands in 1970, becomes true, and is set back by an hour: the bridge dates each stretch",
  { timeout: 120_000 },
  async () => {
    await using bridge = await BridgeBench.open({ publishReceipt: (node, message) => answer(node, message) });
    const broker = await Aedes.createBroker();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      broker.handle(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = await connectAsync(url, { clientId: "bridge", protocolVersion: 4 });
    onTestFinished(async () => {
      await client.endAsync(true);
      for (const socket of sockets) socket.destroy();
      server.close();
      broker.close();
    });
    function answer(node: string, message: Parameters<typeof encodeReceiptMessage>[0]): Promise<unknown> {
      return client.publishAsync(`shao/${node}/receipt`, Buffer.from(encodeReceiptMessage(message)), { qos: 1 });
    }
    client.on("message", (topic, bytes) => {
      bridge.clock.atMs = Date.now();
      const act = topic.endsWith("/up")
        ? bridge.ingest.onUp("site-042", bytes)
        : bridge.ingest.onState("site-042", bytes);
      act.catch(() => {});
    });
    await client.subscribeAsync(["shao/+/up", "shao/+/state"], { qos: 1 });

    const folder = temporaryDirectory();
    const clockFile = join(folder, "clock");
    const setClock = (aheadS: number) => writeFileSync(clockFile, `${aheadS >= 0 ? "+" : ""}${aheadS}\n`);
    setClock(600 - Math.round(Date.now() / 1000));
    const config = join(folder, "site.yaml");
    writeFileSync(
      config,
      `node: site-042
bridge: { url: "${url}", insecureLoopback: true }
state: ${JSON.stringify(join(folder, "state"))}
buses: { rs485: { tcp: "127.0.0.1:1", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b, periodMs: 1000 }
`,
    );
    const gateway = spawn(process.execPath, ["cli/shao.js", "gateway", "--config", config], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...process.env,
        LD_PRELOAD: LIBRARY,
        FAKETIME_TIMESTAMP_FILE: clockFile,
        FAKETIME_NO_CACHE: "1",
        // The monotonic clock of a machine does not follow one that is set.
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
        DONT_FAKE_MONOTONIC: "1",
      },
    });
    onTestFinished(async () => {
      gateway.kill("SIGKILL");
      await once(gateway, "exit");
      if (gateway.pid !== undefined) forgetFakeTime(gateway.pid);
    });
    let said = "";
    gateway.stderr.on("data", (bytes) => {
      said += bytes;
    });
    const rows = (): Promise<Row[]> =>
      bridge.store.db
        .selectFrom("inbox")
        .select(["seq", "kind", "at_ms", "corrected_at_ms", "time_quality", "received_at_ms"])
        .orderBy("seq")
        .execute();
    const times = async () => (await rows()).filter(({ kind }) => kind === "time");

    await vi.waitFor(async () => expect((await times()).length, said).toBeGreaterThanOrEqual(1), SOON);
    const before = await rows();
    for (const row of before) expect(row).toMatchObject({ time_quality: "none", corrected_at_ms: null });
    expect(Math.max(...before.map(({ at_ms }) => at_ms))).toBeLessThan(HOUR_MS);

    setClock(0);
    await vi.waitFor(async () => expect((await times()).length, said).toBeGreaterThanOrEqual(2), SOON);
    const [, truth] = await times();
    expect(truth?.time_quality).toBe("rtc");
    const dated = await rows();
    for (const row of dated.filter(({ seq }) => seq <= before.length)) {
      const asSent = before.find(({ seq }) => seq === row.seq);
      expect(row.at_ms).toBe(asSent?.at_ms);
      expect(Math.abs((row.corrected_at_ms ?? 0) - row.received_at_ms)).toBeLessThan(NEAR_MS);
    }

    setClock(-3600);
    await vi.waitFor(async () => expect((await times()).length, said).toBeGreaterThanOrEqual(3), SOON);
    const after = await rows();
    const back = (await times())[2];
    expect(Math.abs((back?.at_ms ?? 0) + HOUR_MS - (back?.received_at_ms ?? 0))).toBeLessThan(NEAR_MS);
    for (const row of after.filter(({ seq }) => seq < (back?.seq ?? 0))) {
      const earlier = dated.find(({ seq }) => seq === row.seq);
      if (earlier !== undefined) expect(row).toEqual(earlier);
    }
  },
);
