import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { welcomeLink } from "../../cloud-bridge/addresses.ts";
import { initialise } from "../../cloud-bridge/initialise.ts";
import { type AccountRole, addAccount } from "../../cloud-bridge/roster/accounts.ts";
import { openStore } from "../../cloud-bridge/store/database.ts";
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
}

const START_MS = 60_000;

/**
 * One bridge and its nodes as processes of their own on this machine, with mTLS, pairing and accounts as in the field: what
 * the demo, the fault test and the benches run on. The bridge keeps its ports over restarts.
 */
export class LocalSystem {
  readonly directory: string;
  readonly url: string;
  readonly mqttPort: number;
  readonly #bridgeFile: string;

  private constructor(directory: string, url: string, mqttPort: number, bridgeFile: string) {
    this.directory = directory;
    this.url = url;
    this.mqttPort = mqttPort;
    this.#bridgeFile = bridgeFile;
  }

  /** Makes the bridge's config, CA and first administrator. Nothing runs yet. */
  static async create(options: LocalSystemOptions): Promise<{ system: LocalSystem; adminToken: string }> {
    const { directory, publicHost } = options;
    mkdirSync(directory, { recursive: true });
    const [mqtt = 0, free = 0] = await freePorts(2);
    const http = options.httpPort ?? free;
    const state = join(directory, "bridge");
    const bridgeFile = join(directory, "bridge.yaml");
    const config = {
      listen: { host: "127.0.0.1", mqtt, http, ...(publicHost === undefined ? {} : { publicHost }) },
      state,
      timeZone: "Asia/Shanghai",
      ...options.bridgeConfig,
    };
    writeFileSync(bridgeFile, yamlOf(config));
    const nowMs = Date.now();
    const store = openStore({ state, nowMs });
    try {
      const { invitation } = await initialise(state, store, nowMs);
      if (invitation === undefined) throw new Error(`${directory} already has an administrator; use an empty folder`);
      const system = new LocalSystem(directory, `https://127.0.0.1:${http}`, mqtt, bridgeFile);
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

  client(): ApiClient {
    return new ApiClient(this.url, readFileSync(join(this.bridgeState, "trust", "ca.pem"), "utf8"));
  }

  /** Starts the bridge and waits until it listens. */
  async startBridge(args: readonly string[] = [], within: readonly string[] = []): Promise<Child> {
    const child = this.launchBridge(args, { within });
    await bridgeListens(child);
    return child;
  }

  /** Starts the bridge and waits for nothing. */
  launchBridge(
    args: readonly string[] = [],
    { within = [], env = {} }: { readonly within?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
  ): Child {
    return startChild("bridge", ["bridge", "--config", this.#bridgeFile, ...args], env, within);
  }

  /** Signs in by a one-time token, setting a random password. */
  async signIn(token: string): Promise<ApiClient> {
    const client = this.client();
    await client.call("POST", "/api/v1/welcome", { token, password: randomBytes(18).toString("base64url") });
    return client;
  }

  /** Makes an account beside the running bridge, as `shao user add` does. @returns the token of its one-time link */
  async addAccount(name: string, role: AccountRole, crewId?: string): Promise<string> {
    const nowMs = Date.now();
    const store = openStore({ state: this.bridgeState, nowMs });
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
