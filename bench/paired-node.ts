import { join } from "node:path";
import Sqlite from "better-sqlite3";
import type { Child } from "../cli/sim/child.ts";
import { type LinkProxy, startLinkProxy } from "../cli/sim/link-proxy.ts";
import { LocalSystem } from "../cli/sim/local-system.ts";
import type { TcpAddress } from "../drivers/driver.ts";

const NODE = "bench";
const QUIET = ["--log-level", "warn"];

/** A line of some kind between the gateway and the counting link. */
export type Line = (to: TcpAddress) => Promise<AsyncDisposable & { readonly port: number }>;

/** A bridge and one paired gateway as processes, with mTLS, and a link between them that counts and can be cut. */
export class PairedNode implements AsyncDisposable {
  readonly link: LinkProxy;
  readonly bridge: Child;
  readonly #system: LocalSystem;
  readonly #stack: AsyncDisposableStack;
  #gateway: Child | undefined;

  private constructor(system: LocalSystem, bridge: Child, link: LinkProxy, stack: AsyncDisposableStack) {
    this.#system = system;
    this.bridge = bridge;
    this.link = link;
    this.#stack = stack;
  }

  /** @param config of the gateway, beyond its names and addresses. The gateway is not started. */
  static async create(folder: string, config: Readonly<Record<string, unknown>>, line?: Line): Promise<PairedNode> {
    await using stack = new AsyncDisposableStack();
    const { system, adminToken } = await LocalSystem.create({ directory: folder });
    const bridge = stack.use(await system.startBridge(QUIET));
    await system.pair(await system.signIn(adminToken), NODE);
    const link = stack.use(await startLinkProxy({ to: { host: "127.0.0.1", port: system.mqttPort } }));
    const port = line === undefined ? link.port : stack.use(await line({ host: "127.0.0.1", port: link.port })).port;
    system.writeNodeConfig(NODE, config, port);
    return new PairedNode(system, bridge, link, stack.move());
  }

  /** The gateway's folder. */
  get state(): string {
    return this.#system.nodeState(NODE);
  }

  startGateway(): Child {
    this.#gateway = this.#system.startNode(NODE, QUIET);
    return this.#gateway;
  }

  /** As when the box loses power, and gets it again. */
  losePower(): void {
    this.#gateway?.kill("SIGKILL");
    this.startGateway();
  }

  /** Rows of the bridge's database as it stands. */
  stored(sql: string, ...parameters: readonly (string | number)[]): readonly unknown[] {
    const file = new Sqlite(join(this.#system.bridgeState, "bridge.sqlite"), { readonly: true });
    try {
      return file.prepare(sql).all(...parameters);
    } finally {
      file.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway?.stop();
    await this.#stack.disposeAsync();
  }
}
