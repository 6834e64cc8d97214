import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import type { NodeView } from "../../../cloud-bridge/api/schema/fleet.ts";
import { GatewayError } from "../../../gateway/contracts/gateway-error.ts";
import { enroll, newEnrolmentKey } from "../../../gateway/identity/enroll.ts";
import type { NodeIdentity } from "../../../gateway/identity/identity-files.ts";
import type { ApiClient } from "../api-client.ts";
import { bridgeListens, type LocalSystem } from "../local-system.ts";
import { seededRandom } from "../seeded-random.ts";
import { accountFleet, type FleetAccount } from "./fleet-account.ts";
import { FleetNode } from "./fleet-node.ts";
import { FleetRollout, type RolloutReport } from "./fleet-rollout.ts";
import { inParallel } from "./in-parallel.ts";
import { type BridgeFigures, ProcessWatch } from "./process-watch.ts";

export interface FleetOptions {
  readonly nodes: number;
  readonly seed: number;
  /** Of the nodes, those whose meter does not answer: 0 to 1. */
  readonly failShare: number;
  /** Of the nodes, those that fail the self-test of a new config: 0 to 1, drawn among those whose meter answers. */
  readonly failingConfig: number;
  readonly everyMs: number;
  /** Boxes that enrol at the same time. */
  readonly atOnce: number;
  /** How long everything is watched at rest. */
  readonly restMs: number;
  readonly say: (sentence: string) => void;
}

export interface FleetReport {
  readonly nodes: number;
  readonly seed: number;
  readonly failing: number;
  /** `again`: attempts that got no answer in time and were repeated, as an installer would. */
  readonly pairing: {
    readonly seconds: number;
    readonly perSecond: number;
    readonly again: number;
    readonly failed: number;
  };
  /** From the first connection to the last node's hello being answered. */
  readonly connecting: { readonly seconds: number; readonly present: number };
  /** The bridge is killed and started again; from its first listening on. */
  readonly reconnecting: {
    readonly awaySeconds: number;
    readonly halfSeconds: number;
    readonly seconds: number;
    readonly present: number;
  };
  readonly rollout: RolloutReport;
  readonly records: FleetAccount;
  readonly bridge: BridgeFigures;
  /** This process, over the same stretches as the bridge. */
  readonly simulation: BridgeFigures;
  /** Why nodes that did not come back are not there, by code. */
  readonly away: Readonly<Record<string, number>>;
}

const PRESENT_MS = 300_000;
const DRAIN_MS = 120_000;
const LOOK_MS = 100;
const ATTEMPTS = 3;
const AWAY_MS = 3000;
/** For the self-tests of a rollout's two steps, and what they wait for each other. */
const ROLLOUT_MS = 600_000;
const quiet = { debug() {}, info() {}, warn() {}, error() {}, fatal() {}, child: () => quiet };

/** A thousand boxes on one machine: they enrol at once, connect, are cut off by the death of their bridge, and come back. */
export class FleetRun {
  readonly nodes: FleetNode[] = [];
  readonly #system: LocalSystem;
  readonly #options: FleetOptions;
  readonly #random: () => number;
  #failed = 0;
  #again = 0;

  constructor(system: LocalSystem, options: FleetOptions) {
    this.#system = system;
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  /** @param bridge the running one, which is killed and started again on the way */
  async run(bridge: Awaited<ReturnType<LocalSystem["startBridge"]>>, admin: ApiClient): Promise<Outcome> {
    const { nodes: count, seed, restMs, say } = this.#options;
    const watch = new ProcessWatch(bridge.pid);
    const own = new ProcessWatch(process.pid);
    say(`${count} boxes enrol`);
    const pairing = await timed(() => this.#pairAll(admin));
    const paired = watch.mark();
    const ownPaired = own.mark();
    say(`${this.nodes.length} paired in ${pairing.seconds} s, they connect`);
    const connecting = await this.#present(() => this.#startAll());
    const connected = watch.mark();
    const ownConnected = own.mark();
    say(`${connecting.present} present after ${connecting.seconds} s`);
    await wait(restMs);
    const rest = watch.mark();
    const ownRest = own.mark();
    say("every box gets another config");
    const rollout = new FleetRollout(admin, this.nodes);
    const rolled = await rollout.run(ROLLOUT_MS);
    const ordersBefore = rollout.orders;
    say(`${rolled.applied} keep it, ${rolled.reverted} took it back, after ${rolled.seconds} s; the bridge is killed`);
    watch.mark();
    own.mark();
    bridge.kill("SIGKILL");
    await bridge.ended;
    const goneMs = performance.now();
    await wait(AWAY_MS);
    const next = this.#system.launchBridge(["--log-level", "warn"]);
    await bridgeListens(next);
    const awaySeconds = seconds(performance.now() - goneMs);
    const again = new ProcessWatch(next.pid);
    own.mark();
    const back = await this.#present(async () => {});
    const returned = again.mark();
    const ownReturned = own.mark();
    const away: Record<string, number> = {};
    for (const node of this.nodes) {
      if (node.isPresent) continue;
      const code = node.facts?.error?.code ?? (node.facts?.isConnected === true ? "not answered" : "connecting");
      away[code] = (away[code] ?? 0) + 1;
    }
    say(`${back.present} present again after ${back.seconds} s`);
    const afterReconnect = await rollout.afterReconnect(ordersBefore);
    const records = await this.#account(admin);
    const failing = this.nodes.filter(({ isFailing }) => isFailing).length;
    return {
      bridge: next,
      report: {
        ...{ nodes: count, seed, failing },
        pairing: {
          seconds: pairing.seconds,
          perSecond: Math.round((this.nodes.length / pairing.seconds) * 10) / 10,
          again: this.#again,
          failed: this.#failed,
        },
        connecting: { seconds: connecting.seconds, present: connecting.present },
        reconnecting: { awaySeconds, ...back },
        rollout: { ...rolled, afterReconnect },
        records,
        bridge: { paired, connected, rest, returned },
        simulation: { paired: ownPaired, connected: ownConnected, rest: ownRest, returned: ownReturned },
        away,
      },
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async #pairAll(admin: ApiClient): Promise<void> {
    const { nodes: count, atOnce, failShare, failingConfig, everyMs } = this.#options;
    const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    const drawn = this.#drawn();
    const silent = Math.round(count * failShare);
    const failing = new Set(drawn.slice(0, silent));
    const failingTest = new Set(drawn.slice(silent, silent + Math.round(count * failingConfig)));
    await inParallel(count, atOnce, async (number) => {
      const id = `fleet-${String(number).padStart(4, "0")}`;
      const random = seededRandom(this.#options.seed * 100_003 + number);
      try {
        // An address of its own for each, as boxes in the field have: the bridge counts attempts by address.
        const localAddress = `127.1.${number >> 8}.${number & 255}`;
        const identity = await this.#enrol(admin, id, localAddress);
        const faults = { isFailing: failing.has(number), failsConfig: failingTest.has(number) };
        this.nodes.push(new FleetNode({ identity, number, version, ...faults, everyMs, random, log: quiet }));
      } catch (error) {
        this.#failed += 1;
        this.#options.say(`${id} did not enrol: ${String(error)}`);
      }
    });
  }

  /** As an installer runs the same command again when no answer came: the same token, the same key. */
  async #enrol(admin: ApiClient, node: string, localAddress: string): Promise<NodeIdentity> {
    const { token } = (await admin.call("POST", "/api/v1/nodes", { node })) as { token: string };
    const key = await newEnrolmentKey();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await enroll(this.#system.url, token, { localAddress, key });
      } catch (error) {
        const isPassing = error instanceof GatewayError && error.code === "ENROL_UNREACHABLE";
        if (!isPassing || attempt === ATTEMPTS) throw error;
        this.#again += 1;
      }
    }
  }

  /** All numbers in an order of chance. */
  #drawn(): readonly number[] {
    const all = Array.from({ length: this.#options.nodes }, (_, number) => ({ number, rank: this.#random() }));
    return all.sort((a, b) => a.rank - b.rank).map(({ number }) => number);
  }

  async #startAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  async #present(begin: () => Promise<void>) {
    const fromMs = performance.now();
    let halfMs: number | undefined;
    await begin();
    let present = 0;
    for (;;) {
      present = this.nodes.filter((node) => node.isPresent).length;
      const tookMs = performance.now() - fromMs;
      if (present * 2 >= this.nodes.length) halfMs ??= tookMs;
      if (present === this.nodes.length || tookMs > PRESENT_MS) {
        return { present, seconds: seconds(tookMs), halfSeconds: seconds(halfMs ?? tookMs) };
      }
      await wait(LOOK_MS);
    }
  }

  /** Nothing more is written; what was is asked of the bridge's books, not of the nodes. */
  async #account(admin: ApiClient): Promise<FleetReport["records"]> {
    for (const node of this.nodes) node.pause();
    const untilMs = Date.now() + DRAIN_MS;
    while (this.nodes.some(({ journal }) => journal.unreceipted > 0) && Date.now() < untilMs) await wait(LOOK_MS);
    const views: NodeView[] = [];
    let cursor: string | undefined;
    do {
      const from = cursor === undefined ? "" : `&cursor=${cursor}`;
      const page = (await admin.call("GET", `/api/v1/nodes?limit=500${from}`)) as { items: NodeView[]; next?: string };
      views.push(...page.items);
      cursor = page.next;
    } while (cursor !== undefined);
    return accountFleet(new Map(this.nodes.map(({ id, journal }) => [id, journal.head])), views);
  }
}

export interface Outcome {
  readonly report: FleetReport;
  /** The one that runs now. */
  readonly bridge: ReturnType<LocalSystem["launchBridge"]>;
}

async function timed(act: () => Promise<void>): Promise<{ readonly seconds: number }> {
  const fromMs = performance.now();
  await act();
  return { seconds: seconds(performance.now() - fromMs) };
}

function seconds(ms: number): number {
  return Math.round(ms / 10) / 100;
}
