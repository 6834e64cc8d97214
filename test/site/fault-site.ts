import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ApiClient } from "../../cli/sim/api-client.ts";
import { type Child, startChild } from "../../cli/sim/child.ts";
import { type LinkProxy, startLinkProxy } from "../../cli/sim/link-proxy.ts";
import { bridgeListens, type LocalSystem } from "../../cli/sim/local-system.ts";
import { subtract } from "../../protocol/ranges.ts";
import type { Mosquitto } from "../fakes/mosquitto.ts";
import { BadRoute } from "./bad-route.ts";
import { type BridgeData, epochOf, storedRanges } from "./bridge-data.ts";
import { dieMidMigration, FaultCloud } from "./fault-cloud.ts";
import { faketimeLibrary, forgetFakeTime, type Need } from "./fault-needs.ts";
import { enterPeople } from "./fault-people.ts";
import { JournalObserver } from "./journal-observer.ts";
import type { Half } from "./lanes.ts";
import { LoopDisk } from "./loop-disk.ts";
import { type NoisyNode, noisyNode } from "./noisy-node.ts";
import { checkpoint } from "./state-files.ts";

export type NegativeControl = "receipt-on-puback" | "synchronous-normal" | "run-id-reused" | "no-unique-key";

export interface FaultSiteOptions {
  readonly directory: string;
  readonly needs: ReadonlySet<Need>;
  readonly negativeControl?: NegativeControl;
}

const NODE = "fault-01";
const START_MS = 30_000;
const QUIET_LOOKS = 5;
const DISK_MIB = 64;
const NEWER_PROTOCOL = new URL("./newer-protocol.ts", import.meta.url).href;
const CLIP_GATEWAY = fileURLToPath(new URL("./clip-gateway.ts", import.meta.url));
/** Of each half, the controls that it knows. */
const CONTROLS: Readonly<Record<Half, readonly NegativeControl[]>> = {
  gateway: ["receipt-on-puback", "synchronous-normal", "run-id-reused"],
  bridge: ["no-unique-key", "synchronous-normal"],
  "second-bridge": ["no-unique-key", "synchronous-normal"],
};

/**
 * A gateway and a bridge as processes under load, and all that can be done to them: six meters with flapping noise, an
 * alarm of its own for each raise, crews that get assignments, a desk that ends each case so that new ones open.
 */
export class FaultSite {
  readonly directory: string;
  readonly cloud: FaultCloud;
  readonly link: LinkProxy;
  readonly observer: JournalObserver;
  /** Of further cards or boxes under the same name; each must be emptied as well. */
  readonly cards: JournalObserver[] = [];
  readonly #noisy: NoisyNode;
  readonly #options: FaultSiteOptions;
  readonly #children = new Map<Half, Child>();
  readonly #disks = new Map<Half, LoopDisk>();
  readonly #armed = new Map<Half, string>();
  readonly #people = new AbortController();
  #copy: Child | undefined;
  #gatewayEnv: NodeJS.ProcessEnv = {};
  #detour: BadRoute | undefined;
  /** Receipts that left for records that the bridge then did not have. */
  readonly brokenReceipts: string[] = [];
  readonly #voidEpochs = new Set<string>();
  readonly pointsReached = new Map<string, number>();

  private constructor(options: FaultSiteOptions, cloud: FaultCloud, link: LinkProxy, noisy: NoisyNode) {
    this.directory = options.directory;
    this.#options = options;
    this.cloud = cloud;
    this.link = link;
    this.#noisy = noisy;
    this.observer = new JournalObserver(this.system.nodeState(NODE));
  }

  get system(): LocalSystem {
    return this.cloud.system;
  }

  get #bridges(): readonly Half[] {
    return this.#options.needs.has("two-bridges") ? ["bridge", "second-bridge"] : ["bridge"];
  }

  /** The bridge's database, read from outside. */
  get data(): BridgeData {
    return this.cloud.data;
  }

  /** Both halves run when it resolves, and each has died once in the middle of its first migration. */
  static async start(options: FaultSiteOptions): Promise<FaultSite> {
    const { directory, needs } = options;
    const disks = new Map<Half, LoopDisk>();
    if (needs.has("loop-disk")) {
      disks.set("gateway", new LoopDisk(join(directory, NODE), DISK_MIB));
      disks.set("bridge", new LoopDisk(join(directory, "bridge"), DISK_MIB));
    }
    for (const half of ["gateway", "bridge", "second-bridge"]) {
      mkdirSync(join(directory, "between", half), { recursive: true });
    }
    const noisy = await noisyNode({ keepReceipted: needs.has("kept-records") });
    const hasTwoBridges = needs.has("two-bridges");
    const reached = !hasTwoBridges && (await dieMidMigration(directory));
    const cloud = await FaultCloud.create({ directory, hasTwoBridges, hasMosquitto: needs.has("mosquitto") });
    const { system, adminToken } = cloud;
    const link = await startLinkProxy({ to: cloud.doors });
    const site = new FaultSite(options, cloud, link, noisy);
    if (reached) site.reached("bridge-mid-migration");
    for (const [half, disk] of disks) site.#disks.set(half, disk);
    try {
      if (needs.has("shim")) site.#buildShim();
      system.writeNodeConfig(NODE, { ...noisy.config, bridge: { url: site.#linkUrl } });
      for (const half of site.#bridges) await site.startHalf(half);
      const admin: ApiClient = await system.signIn(adminToken);
      await system.pair(admin, NODE);
      await enterPeople(system, admin, site.#people.signal);
      // What was set up before the load is no part of what the bridge may lose with its log.
      if (!hasTwoBridges) checkpoint(join(system.bridgeState, "bridge.sqlite"));
      writeFileSync(site.#clips, "");
      site.arm("gateway", "gateway-mid-migration");
      await site.startHalf("gateway");
      const timer = setTimeout(() => site.child("gateway").kill("SIGTERM"), START_MS);
      if ((await site.child("gateway").ended) === "SIGKILL") site.reached("gateway-mid-migration");
      clearTimeout(timer);
      await site.startHalf("gateway");
      site.observer.watch();
      return site;
    } catch (error) {
      await site.stop();
      await site.leave();
      site.unmount();
      throw error;
    }
  }

  get #linkUrl(): string {
    return `mqtts://localhost:${this.link.port}`;
  }

  state(half: Half): string {
    return half === "gateway" ? this.system.nodeState(NODE) : this.system.bridgeState;
  }

  disk(half: Half): LoopDisk {
    const disk = this.#disks.get(half);
    if (disk === undefined) throw new Error(`${half} has no disk of its own: the fault must say that it needs one`);
    return disk;
  }

  /** Folder in which between.c looks for what it shall do to a half. */
  between(half: Half): string {
    return join(this.directory, "between", half);
  }

  child(half: Half): Child {
    const found = this.#children.get(half);
    if (found === undefined) throw new Error(`${half} was never started`);
    return found;
  }

  /** The next start of this half is to die there by itself. */
  arm(half: Half, faultPoint: string | undefined): void {
    if (faultPoint === undefined) this.#armed.delete(half);
    else this.#armed.set(half, faultPoint);
  }

  reached(point: string): void {
    this.pointsReached.set(point, (this.pointsReached.get(point) ?? 0) + 1);
  }

  async startHalf(half: Half): Promise<void> {
    const armed = this.#armed.get(half);
    this.#armed.delete(half);
    const args = [...this.#args(half), ...(armed === undefined ? [] : ["--fault-point", armed])];
    if (half === "gateway") {
      const config = join(this.directory, `${NODE}.yaml`);
      const env = { ...this.#env(half), ...this.#gatewayEnv, SHAO_CLIPS_WHILE: this.#clips };
      this.#children.set(half, this.#kept(startChild(NODE, ["--config", config, ...args], env, [], CLIP_GATEWAY)));
      return;
    }
    const which = half === "bridge" ? 0 : 1;
    const bridge = this.#kept(this.system.launchBridge(args, { env: this.#env(half), which }));
    this.#children.set(half, bridge);
    await bridgeListens(bridge).catch((error: unknown) => {
      // One that is armed may die before it listens.
      if (armed === undefined) throw error;
    });
  }

  /** A second box of the same name on another card; what that holds counts as well. */
  async startCopy(state: string): Promise<void> {
    const file = join(this.directory, "copy.yaml");
    const config = { node: NODE, state, ...this.#noisy.config, bridge: { url: this.#linkUrl } };
    writeFileSync(file, JSON.stringify(config));
    const args = ["gateway", "--config", file, ...this.#args("gateway")];
    this.#copy = this.#kept(startChild("copy", args, this.#env("gateway")));
    if (this.cards.every((card) => card.state !== state)) this.cards.push(new JournalObserver(state));
    this.cards.find((card) => card.state === state)?.watch();
  }

  async endCopy(): Promise<void> {
    this.#copy?.kill("SIGKILL");
    await this.#copy?.ended;
    this.#copy = undefined;
  }

  /** Each further card alone in the box, without noise, until it has sent what it holds; then the box's own again. */
  async emptyCards(withinMs: number): Promise<boolean> {
    let isEmpty = true;
    for (const card of this.cards) {
      await this.kill("gateway");
      card.look();
      const runs = card.runs;
      await this.startCopy(card.state);
      isEmpty = (await this.drain(card, withinMs, runs + 1)) && isEmpty;
      // What it writes while it stops waits there for the next start: that is no loss, and nothing that was to be sent here.
      card.pause();
      await this.#copy?.stop();
      await this.startHalf("gateway");
    }
    return isEmpty;
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(half: Half): Promise<void> {
    this.child(half).kill("SIGKILL");
    await this.child(half).ended;
    // What it had written and not yet synced is seen by whoever opens the file now, so a later cut must not take it: the
    // system would have written it soon. On a disk whose power is already cut this does nothing.
    if (this.#disks.has(half)) spawnSync("sync", ["-f", this.state(half)]);
  }

  /** The bridge is down and its disk about to take back what it had confirmed: receipts of before prove nothing any more. */
  async voidReceipts(): Promise<void> {
    this.observer.look();
    this.#voidEpochs.add(await epochOf(this.data)).add(this.observer.custodyEpoch ?? "");
  }

  /** The bridge is down and its disk as after a boot: every receipt that left must be true. */
  async checkReceipts(): Promise<void> {
    if (this.#voidEpochs.has(this.observer.custodyEpoch ?? "")) return;
    const stored = await storedRanges(this.data);
    for (const { run, ranges } of this.observer.receipted) {
      const lost = subtract([...ranges], [...(stored.get(run) ?? [])]);
      for (const [from, to] of lost) this.brokenReceipts.push(`receipted but not stored: ${run}/${from}-${to}`);
    }
  }

  /** The next starts of the gateway are of a version that is still to come, or of this one again. */
  setGateway(isNewer: boolean): void {
    this.#gatewayEnv = isNewer ? { NODE_OPTIONS: `--import=${NEWER_PROTOCOL}` } : {};
  }

  endLoad(): void {
    rmSync(this.#clips, { force: true });
    this.#noisy.endLoad();
  }

  /** While it is there, the gateway takes clips. */
  get #clips(): string {
    return join(this.directory, "clips");
  }

  alarms(): number {
    return new Set([...this.observer.records].flatMap(({ alarmId }) => alarmId ?? [])).size;
  }

  /** @param withinMs without any progress. @returns whether every box got rid of all that it had */
  async drain(observer: JournalObserver, withinMs: number, leastRuns = 1): Promise<boolean> {
    let untilMs = Date.now() + withinMs;
    let least = Number.POSITIVE_INFINITY;
    // Some looks in a row: the run that is written now always has a newest record on its way, and one that has just
    // started has more to say.
    let quiet = 0;
    while (Date.now() < untilMs) {
      observer.look();
      const epoch = await this.#epoch();
      const [records, files] = [observer.unreceipted(epoch), observer.unsentFiles(epoch)];
      const isEmpty = records === 0 && files === 0;
      // On a machine that is short of time a day's files take longer: as long as they become fewer, nothing is stuck.
      if (records !== undefined && records + files < least) {
        least = records + files;
        untilMs = Math.max(untilMs, Date.now() + withinMs);
      }
      quiet = observer.runs >= leastRuns && isEmpty ? quiet + 1 : 0;
      if (quiet >= QUIET_LOOKS && this.#noisy.hasSettled()) return true;
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    return false;
  }

  /** The broker outside; a fault that strikes it must say that it needs one. */
  get broker(): Mosquitto {
    const { mosquitto } = this.cloud;
    if (mosquitto === undefined) throw new Error("there is no broker outside");
    return mosquitto;
  }

  /** Whether the bridge's folder holds this file, whole. */
  holdsFile(sha256: string): boolean {
    const path = join(this.system.bridgeState, "blobs", NODE, sha256);
    return existsSync(path) && createHash("sha256").update(readFileSync(path)).digest("hex") === sha256;
  }

  /** Ends all processes, cleanly where they still can. */
  async stop(): Promise<void> {
    this.#people.abort();
    this.observer.pause();
    for (const card of this.cards) card.pause();
    await this.endCopy();
    this.#children.get("gateway")?.kill("SIGCONT");
    await this.#children.get("gateway")?.stop();
    for (const half of this.#bridges) {
      this.#children.get(half)?.kill("SIGCONT");
      await this.#children.get(half)?.stop();
    }
    await this.#detour?.close();
    await Promise.all([this.link.close(), this.#noisy.close()]);
  }

  /** The gateway's way to the bridge over a bad line, made when it is first asked for; or the good one again. */
  async route(over: "bad line" | "good line"): Promise<void> {
    if (over === "good line") return this.link.route(this.cloud.doors);
    this.#detour ??= await BadRoute.make(this.cloud.doors);
    this.link.route(this.#detour.doors);
  }

  /** After the last look at the state. */
  async leave(): Promise<void> {
    await this.cloud.close();
  }

  unmount(): void {
    for (const disk of this.#disks.values()) disk.destroy();
    this.#disks.clear();
  }

  /** What each process said last, for whoever looks at a run that was kept. */
  #kept(child: Child): Child {
    void child.ended.then((end) => {
      forgetFakeTime(child.pid);
      const said = [`-- ${child.pid} ended: ${end}`, ...child.tail(200)].join("\n");
      if (existsSync(this.directory)) appendFileSync(join(this.directory, `${child.name}.log`), `${said}\n`);
    });
    return child;
  }

  /** That of the running bridge; undefined where the node is made to count what no custody stands behind. */
  async #epoch(): Promise<string | undefined> {
    return this.#options.negativeControl === "receipt-on-puback" ? undefined : epochOf(this.data);
  }

  #args(half: Half): readonly string[] {
    const { negativeControl } = this.#options;
    const isControlled = negativeControl !== undefined && CONTROLS[half].includes(negativeControl);
    return [
      // Waiting times are scaled, so that timers act between two deaths.
      ...(half === "gateway" ? [] : ["--time-scale", "60"]),
      ...(isControlled ? ["--negative-control", negativeControl] : []),
      "--log-level",
      "warn",
    ];
  }

  #env(half: Half): NodeJS.ProcessEnv {
    const { needs } = this.#options;
    const clock = join(this.between(half), "clock");
    const preload = [
      ...(needs.has("shim") ? [this.#shim] : []),
      ...(needs.has("faketime") && half === "gateway" ? [faketimeLibrary() ?? ""] : []),
    ];
    if (preload.length === 0) return {};
    if (!existsSync(clock)) writeFileSync(clock, "+0\n");
    return {
      LD_PRELOAD: preload.join(":"),
      SHAO_BETWEEN: this.between(half),
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  get #shim(): string {
    return join(this.directory, "between.so");
  }

  #buildShim(): void {
    const source = new URL("./between.c", import.meta.url).pathname;
    const built = spawnSync("cc", ["-shared", "-fPIC", "-O1", "-o", this.#shim, source, "-ldl"], { encoding: "utf8" });
    if (built.status !== 0) throw new Error(`cc: ${built.stderr}`);
  }
}
