import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type Child, startChild } from "../../cli/sim/child.ts";
import { freePorts } from "../../cli/sim/free-port.ts";
import { LocalSystem } from "../../cli/sim/local-system.ts";
import type { TcpAddress } from "../../drivers/driver.ts";
import { Mosquitto } from "../fakes/mosquitto.ts";
import { startCluster, stopCluster, testDatabase } from "../fakes/postgres-cluster.ts";
import { type BridgeData, sqliteBridge } from "./bridge-data.ts";

const START_MS = 60_000;

export interface FaultCloudOptions {
  readonly directory: string;
  /** Two processes of one bridge on one PostgreSQL, or one on SQLite. */
  readonly hasTwoBridges: boolean;
  /** Mosquitto outside, or the broker inside. */
  readonly hasMosquitto: boolean;
}

/** What stands in the cloud beside the bridge's processes: its database, and its broker where that is another's. */
export class FaultCloud {
  readonly system: LocalSystem;
  readonly adminToken: string;
  readonly data: BridgeData;
  readonly mosquitto: Mosquitto | undefined;
  /** Where nodes can reach the bridge. */
  readonly doors: readonly TcpAddress[];
  readonly #close: () => Promise<void>;

  private constructor(
    parts: Pick<FaultCloud, "system" | "adminToken" | "data" | "mosquitto" | "doors">,
    close: () => Promise<void>,
  ) {
    this.system = parts.system;
    this.adminToken = parts.adminToken;
    this.data = parts.data;
    this.mosquitto = parts.mosquitto;
    this.doors = parts.doors;
    this.#close = close;
  }

  static async create({ directory, hasTwoBridges, hasMosquitto }: FaultCloudOptions): Promise<FaultCloud> {
    const database = hasTwoBridges ? await ownDatabase() : undefined;
    const [bridgePort = 0] = await freePorts(1);
    const pidFile = join(directory, "mosquitto.pid");
    const url = `mqtts://localhost:${bridgePort}`;
    try {
      const { system, adminToken } = await LocalSystem.create({
        directory,
        publicHost: "localhost",
        hasSecondBridge: hasTwoBridges,
        ...(database === undefined ? {} : { postgres: database.address }),
        bridgeConfig: {
          dispatch: { policy: "auto", maxFixAgeSeconds: 86_400 },
          ...(hasMosquitto ? { broker: { external: { url, pidFile } } } : {}),
        },
      });
      const mosquitto = hasMosquitto ? await startMosquitto(system, bridgePort) : undefined;
      const door = (port: number) => ({ host: "127.0.0.1", port });
      const doors = [door(system.mqttPort), ...(hasTwoBridges && !hasMosquitto ? [door(system.second.mqttPort)] : [])];
      const data = database?.data ?? sqliteBridge(system.bridgeState);
      return new FaultCloud({ system, adminToken, data, mosquitto, doors }, async () => {
        await mosquitto?.stop();
        await database?.close();
      });
    } catch (error) {
      await database?.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#close();
  }
}

async function startMosquitto(system: LocalSystem, port: number): Promise<Mosquitto> {
  const args = ["bridge", "broker-config", "--config", join(system.directory, "bridge.yaml")];
  const made: Child = startChild("broker-config", [...args, "--nodes-host", "127.0.0.1", "--user", "root"]);
  const line = await made.line((text) => text.startsWith('{"config"'), START_MS);
  await made.ended;
  const mosquitto = new Mosquitto((JSON.parse(line) as { config: string }).config, port);
  await mosquitto.start();
  return mosquitto;
}

/** A PostgreSQL of its own, so that a run needs nothing that stands. */
async function ownDatabase() {
  const folder = mkdtempSync(join(tmpdir(), "shao-fault-pg-"));
  const port = await startCluster(folder);
  const { address } = await testDatabase({ port });
  const client = new pg.Pool({ ...address, max: 1 });
  // The server ends before its last client has heard that it was let go.
  client.on("error", () => {}).on("connect", (one) => one.on("error", () => {}));
  const data: BridgeData = { rows: async (sql) => (await client.query(sql)).rows };
  const close = async () => {
    await client.end();
    await stopCluster(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  return { address, data, close };
}

/** The very first start of the bridge dies with its schema half made; what comes after must not notice. */
export async function dieMidMigration(directory: string): Promise<boolean> {
  const file = join(directory, "first.yaml");
  const listen = { host: "127.0.0.1", mqtt: 0, http: 0 };
  writeFileSync(file, JSON.stringify({ listen, state: join(directory, "bridge"), timeZone: "Asia/Shanghai" }));
  const args = ["bridge", "--config", file, "--fault-point", "bridge-mid-migration"];
  const child = startChild("bridge", args);
  const timer = setTimeout(() => child.kill("SIGTERM"), START_MS);
  const end = await child.ended;
  clearTimeout(timer);
  return end === "SIGKILL";
}
