import { setTimeout as wait } from "node:timers/promises";
import type { RolloutView, TwinView } from "../../../cloud-bridge/api/schema/twins.ts";
import type { ApiClient } from "../api-client.ts";
import type { FleetNode } from "./fleet-node.ts";
import { inParallel } from "./in-parallel.ts";

/** The limit that every node's rule is to have. */
const PATCH = { rules: { night: { limitDb: 74 } } };
/** As many as one rollout may name. */
const MOST_NODES = 2000;
/** Two steps: half of the nodes, then the others. */
const SHARE_PCT = 50;
const STOP_ABOVE_PCT = 60;
const HOLD_S = 1;
const AT_ONCE = 20;
const LOOK_MS = 1000;
const KNOWN_MS = 120_000;
const AGREE_MS = 60_000;
const MOST_TOLD = 10;

export interface RolloutReport {
  readonly nodes: number;
  /** Drawn to fail their self-test. */
  readonly failing: number;
  /** From the order to the last node's word. */
  readonly seconds: number;
  /** As the bridge counts them. */
  readonly applied: number;
  readonly reverted: number;
  readonly others: number;
  /** Where what was drawn, what the node has and what the bridge says do not agree, and how. */
  readonly mismatches: readonly string[];
  /** The same once the bridge was killed and all came back, and how many orders they got a second time. */
  readonly afterReconnect: { readonly mismatches: readonly string[]; readonly repeatedOrders: number };
}

/** One config change for a whole fleet, of which a part fails its self-test. */
export class FleetRollout {
  readonly #admin: ApiClient;
  readonly #nodes: readonly FleetNode[];
  readonly #before: ReadonlyMap<string, string>;

  constructor(admin: ApiClient, nodes: readonly FleetNode[]) {
    this.#admin = admin;
    this.#nodes = nodes;
    this.#before = new Map(nodes.map((node) => [node.id, node.reported?.sha256 ?? ""]));
  }

  /** Asks every box for its config, changes it by rollouts, and compares. */
  async run(waitMs: number): Promise<Omit<RolloutReport, "afterReconnect">> {
    await this.#askAll();
    const fromMs = performance.now();
    const ended: RolloutView[] = [];
    for (let first = 0; first < this.#nodes.length; first += MOST_NODES) {
      const nodes = this.#nodes.slice(first, first + MOST_NODES).map(({ id }) => id);
      const order = { nodes, patch: PATCH, sharePct: SHARE_PCT, stopAbovePct: STOP_ABOVE_PCT, holdS: HOLD_S };
      const { id } = (await this.#call("POST", "/api/v1/rollouts", order)) as RolloutView;
      ended.push(await this.#end(id, waitMs));
    }
    const seconds = Math.round((performance.now() - fromMs) / 10) / 100;
    const states = ended.flatMap(({ nodes }) => nodes.map(({ state }) => state));
    const applied = states.filter((state) => state === "applied").length;
    const reverted = states.filter((state) => state === "reverted").length;
    const failing = this.#nodes.filter(({ failsConfig }) => failsConfig).length;
    const counts = { applied, reverted, others: states.length - applied - reverted };
    return { nodes: states.length, failing, seconds, ...counts, mismatches: await this.#mismatches() };
  }

  /** @param ordersBefore of all nodes together, when the bridge was killed */
  async afterReconnect(ordersBefore: number): Promise<RolloutReport["afterReconnect"]> {
    const mismatches = await this.#mismatches();
    return { mismatches, repeatedOrders: this.orders - ordersBefore };
  }

  /** Config orders that the boxes have taken so far. */
  get orders(): number {
    return this.#nodes.reduce((sum, { configOrders }) => sum + configOrders, 0);
  }

  /** A change is laid over what a box has: the bridge has to know that. */
  async #askAll(): Promise<void> {
    await inParallel(this.#nodes.length, AT_ONCE, async (at) => {
      const path = this.#path(at);
      await this.#call("POST", `${path}/ask`);
      const untilMs = Date.now() + KNOWN_MS;
      while (((await this.#call("GET", path)) as TwinView).told === undefined) {
        if (Date.now() > untilMs) throw new Error(`${path}: no answer within ${KNOWN_MS / 1000} s`);
        await wait(LOOK_MS);
      }
    });
  }

  async #end(id: string, waitMs: number): Promise<RolloutView> {
    const untilMs = Date.now() + waitMs;
    for (;;) {
      const view = (await this.#call("GET", `/api/v1/rollouts/${id}`)) as RolloutView;
      if (view.state !== "running" || Date.now() > untilMs) return view;
      await wait(LOOK_MS);
    }
  }

  /** A node's own first record after a revert may come behind its answer: asked again for a while. */
  async #mismatches(): Promise<readonly string[]> {
    const untilMs = Date.now() + AGREE_MS;
    for (;;) {
      const found: string[] = [];
      await inParallel(this.#nodes.length, AT_ONCE, async (at) => {
        const node = this.#nodes[at];
        const view = (await this.#call("GET", this.#path(at))) as TwinView;
        const fault = node && mismatch(node, view, this.#before.get(node.id) ?? "");
        if (fault !== undefined) found.push(fault);
      });
      if (found.length === 0 || Date.now() > untilMs) return found.sort().slice(0, MOST_TOLD);
      await wait(LOOK_MS);
    }
  }

  #path(at: number): string {
    return `/api/v1/nodes/${this.#nodes[at]?.id}/config`;
  }

  /** Waits where the bridge says that it is asked too often. */
  async #call(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    for (;;) {
      const { status, body: answer } = await this.#admin.send(method, path, body);
      if (status >= 200 && status < 300) return answer;
      if (status !== 429) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(answer)}`);
      await wait(LOOK_MS);
    }
  }
}

/** @param before hash of what the node had; @returns what is wrong, or undefined */
function mismatch(node: FleetNode, view: TwinView, before: string): string | undefined {
  const { id, failsConfig, reported } = node;
  const wanted = failsConfig ? before : view.desired?.sha256;
  const say = (what: string) => `${id}${failsConfig ? " (fails)" : ""}: ${what}`;
  if (reported?.sha256 !== wanted || reported?.isTrial !== false) return say("the node has another config");
  if (view.reported?.sha256 !== wanted || view.reported?.isTrial !== false) return say("the bridge knows another");
  if (view.state !== (failsConfig ? "reverted" : "in-sync")) return say(`the bridge calls it ${view.state}`);
  if (!failsConfig) return undefined;
  const { code = "", message = "" } = view.reason ?? {};
  const isTold = code === "CONFIG_REVERTED" && message.includes("noise-01");
  return isTold ? undefined : say(`its reason is ${code} ${message}`);
}
