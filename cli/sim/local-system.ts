import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { welcomeLink } from "../../cloud-bridge/addresses.ts";
import { openConfiguredStore } from "../../cloud-bridge/configured-store.ts";
import { initialise } from "../../cloud-bridge/initialise.ts";
import { type AccountRole, addAccount } from "../../cloud-bridge/roster/accounts.ts";
import type { PostgresAddress } from "../../cloud-bridge/store/postgres-connection.ts";
import { enroll } from "../../gateway/identity/enroll.ts";
import { writeIdentity } from "../../gateway/identity/identity-files.ts";
import { ApiClient } from "./api-client.ts";
import { type Child, startChild } from "./child.ts";
import { freePorts } from "./free-port.ts";

export interface LocalSystemOptions {
  /** An empty folder for all state. */
  readonly directory: string;
  /** Port of the pages; any where left out. */
  readonly httpPort?: number;
  /** Name of the bridge in certificates and links, beside 127.0.0.1. */
  readonly publicHost?: string;
  /** Merged into the bridge's config. */
  readonly bridgeConfig?: Readonly<Record<string, unknown>>;
  /** Where its database is; SQLite where left out. */
  readonly postgres?: PostgresAddress;
  /** A second process of the same bridge, on ports of its own; only with PostgreSQL. */
  readonly hasSecondBridge?: boolean;
}

interface LaunchBridge {
  readonly within?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly which?: 0 | 1;
}

const START_MS = 60_000;
const BRIDGE_FILES = ["bridge.yaml", "second-bridge.yaml"] as const;

/**
 * One bridge and its nodes as processes of their own on this machine, with mTLS, pairing and accounts as in the field: what
 * the demo, the fault test and the benches run on. The bridge keeps its ports over restarts.
 */
export class LocalSystem {
  readonly directory: string;
  readonly url: string;
  readonly mqttPort: number;
  /** Ports of the second process, where there is one. */
  readonly second: { readonly url: string; readonly mqttPort: number };
  readonly #store: Parameters<typeof openConfiguredStore>[0];

  private constructor(
    directory: string,
    ports: readonly { readonly url: string; readonly mqttPort: number }[],
    store: Parameters<typeof openConfiguredStore>[0],
  ) {
    const [first = { url: "", mqttPort: 0 }, second = first] = ports;
    this.directory = directory;
    this.url = first.url;
    this.mqttPort = first.mqttPort;
    this.second = second;
    this.#store = store;
  }

  /** Makes the bridge's config, CA and first administrator. Nothing runs yet. */
  static async create(options: LocalSystemOptions): Promise<{ system: LocalSystem; adminToken: string }> {
    const { directory, publicHost, postgres, hasSecondBridge = false } = options;
    mkdirSync(directory, { recursive: true });
    const [mqtt = 0, free = 0, secondMqtt = 0, secondHttp = 0] = await freePorts(4);
    const http = options.httpPort ?? free;
    const state = join(directory, "bridge");
    const kept = { store: postgres === undefined ? ("sqlite" as const) : { postgres }, state };
    const ports = [{ mqtt, http }, ...(hasSecondBridge ? [{ mqtt: secondMqtt, http: secondHttp }] : [])];
    for (const [index, own] of ports.entries()) {
      const listen = { host: "127.0.0.1", ...own, ...(publicHost === undefined ? {} : { publicHost }) };
      const config = { listen, ...kept, timeZone: "Asia/Shanghai", ...options.bridgeConfig };
      writeFileSync(join(directory, BRIDGE_FILES[index] ?? ""), yamlOf(config));
    }
    const nowMs = Date.now();
    const store = await openConfiguredStore(kept, { nowMs });
    try {
      const { invitation } = await initialise(state, store, nowMs);
      if (invitation === undefined) throw new Error(`${directory} already has an administrator; use an empty folder`);
      const system = new LocalSystem(
        directory,
        ports.map((own) => ({ url: `https://127.0.0.1:${own.http}`, mqttPort: own.mqtt })),
        kept,
      );
      return { system, adminToken: invitation.token };
    } finally {
      await store.close();
    }
  }

  get bridgeState(): string {
    return join(this.directory, "bridge");
  }

  nodeState(node: string): string {
    return join(this.directory, node);
  }

  client(url = this.url): ApiClient {
    return new ApiClient(url, readFileSync(join(this.bridgeState, "trust", "ca.pem"), "utf8"));
  }

  /** Starts the bridge, or its second process, and waits until it listens. */
  async startBridge(args: readonly string[] = [], within: readonly string[] = [], which: 0 | 1 = 0): Promise<Child> {
    const child = this.launchBridge(args, { within, which });
    await bridgeListens(child);
    return child;
  }

  /** Starts the bridge and waits for nothing. */
  launchBridge(args: readonly string[] = [], { within = [], env = {}, which = 0 }: LaunchBridge = {}): Child {
    const name = which === 0 ? "bridge" : "second bridge";
    const file = join(this.directory, BRIDGE_FILES[which]);
    return startChild(name, ["bridge", "--config", file, ...args], env, within);
  }

  /** Signs in by a one-time token, setting a random password. */
  async signIn(token: string, url = this.url): Promise<ApiClient> {
    const client = this.client(url);
    await client.call("POST", "/api/v1/welcome", { token, password: randomBytes(18).toString("base64url") });
    return client;
  }

  /** Makes an account beside the running bridge, as `shao user add` does. @returns the token of its one-time link */
  async addAccount(name: string, role: AccountRole, crewId?: string): Promise<string> {
    const nowMs = Date.now();
    const store = await openConfiguredStore(this.#store, { nowMs });
    try {
      return (await addAccount(store.db, { name, role, ...(crewId === undefined ? {} : { crewId }) }, nowMs)).token;
    } finally {
      await store.close();
    }
  }

  welcomeLink(token: string): string {
    return welcomeLink(this.url, token);
  }

  /** Pairs a node: the token by the API, the key and its certificate as `shao enroll` makes them. */
  async pair(admin: ApiClient, node: string): Promise<void> {
    const { token } = (await admin.call("POST", "/api/v1/nodes", { node })) as { token: string };
    writeIdentity(this.nodeState(node), await enroll(this.url, token));
  }

  /** Writes a node's config; `mqttPort` is that of a link in between where there is one. */
  writeNodeConfig(node: string, config: Readonly<Record<string, unknown>>, mqttPort = this.mqttPort): string {
    const file = join(this.directory, `${node}.yaml`);
    const bridge = { url: `mqtts://127.0.0.1:${mqttPort}` };
    writeFileSync(file, yamlOf({ node, state: this.nodeState(node), bridge, ...config }));
    return file;
  }

  startNode(
    node: string,
    args: readonly string[] = [],
    within: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
  ): Child {
    return startChild(node, ["gateway", "--config", join(this.directory, `${node}.yaml`), ...args], env, within);
  }
}

/** Resolves when a launched bridge listens. @throws when it ends before, or takes too long */
export async function bridgeListens(bridge: Child): Promise<void> {
  await bridge.line((line) => line.startsWith('{"url"'), START_MS);
}

/** JSON is YAML. */
function yamlOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
