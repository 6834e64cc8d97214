import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { RunningBridge } from "../../cloud-bridge/main.ts";
import type { CustodyJournal } from "../../gateway/contracts/journal.ts";
import type { NodeIdentity } from "../../gateway/identity/identity-files.ts";
import { openJournal } from "../../gateway/journal/open-journal.ts";
import { Uplink } from "../../gateway/uplink/uplink.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type { ApiClient } from "../fakes/api-client.ts";
import { EdgeNode } from "../fakes/edge-node.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { bridgeConfigFor, signInBy, startTestBridge } from "../fakes/running-bridge.ts";
import { alarmBody, temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { contentOf, sqliteBridge } from "./bridge-data.ts";
import { custodyReport } from "./custody-report.ts";
import { JournalObserver } from "./journal-observer.ts";

const DRAIN_MS = 20_000;

/** A box by its clock: what it believes, and how well. */
export interface BoxClock {
  atMs: number;
  timeQuality: NewRecord["timeQuality"];
}

/** The real journal and the real uplink of a node, without drivers: what it records is the test's affair, to the number. */
export class BareNode {
  readonly journal: CustodyJournal;
  readonly clock: BoxClock;
  readonly #state: string;
  readonly #startMs = performance.now();
  #uplink: Uplink | undefined;

  private constructor(state: string, journal: CustodyJournal, clock: BoxClock) {
    this.#state = state;
    this.journal = journal;
    this.clock = clock;
  }

  static async start(state: string, clock: BoxClock = { atMs: Date.now(), timeQuality: "ntp" }): Promise<BareNode> {
    const stamp = () => ({ upMs: 0, ...clock });
    const journal = await openJournal({ directory: state, stamp, groupMs: 5, reserveBytes: 65_536 });
    const node = new BareNode(state, journal, clock);
    onTestFinished(() => node.stop());
    await node.commit({ kind: "start", body: startBody(journal) });
    return node;
  }

  async connect(identity: NodeIdentity): Promise<void> {
    const { mqttUrl: url, bridge, caPem: ca, certificatePem: cert, keyPem: key, node } = identity;
    this.#uplink = await Uplink.start({
      node,
      version: "test",
      url,
      tls: { ca, cert, key },
      topicPrefix: "shao",
      bridge,
      journal: this.journal,
      stamp: () => this.#stamp(),
      upMs: () => this.upMs(),
      log: new QuietLog(),
      onCommand: () => {},
    });
  }

  async commit(record: Pick<NewRecord, "kind" | "body">): Promise<void> {
    await this.journal.write({ append: [{ ...this.#stamp(), ...record } as NewRecord] }, "urgent");
  }

  /** So many alarms, each of its own. */
  async alarms(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const body = { ...alarmBody(), alarmId: newAlarmId(this.clock.atMs), stateAtMs: this.clock.atMs };
      await this.journal.write({ append: [{ ...this.#stamp(), kind: "alarm", device: "noise-01", body }] }, "urgent");
    }
  }

  upMs(): number {
    return Math.floor(performance.now() - this.#startMs);
  }

  async drained(): Promise<void> {
    let unreceipted = Number.POSITIVE_INFINITY;
    const untilMs = performance.now() + DRAIN_MS;
    while (unreceipted > 0 && performance.now() < untilMs) {
      ({ unreceipted } = await this.journal.statistics());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (unreceipted > 0) throw new Error(`${unreceipted} records have no receipt`);
  }

  /** The files as a kill at this moment would leave them. */
  killedCopy(): string {
    const copy = join(temporaryDirectory(), "state");
    mkdirSync(copy);
    for (const name of ["journal.sqlite", "journal.sqlite-wal"]) {
      if (existsSync(join(this.#state, name))) copyFileSync(join(this.#state, name), join(copy, name));
    }
    return copy;
  }

  async stop(): Promise<void> {
    await this.#uplink?.close();
    this.#uplink = undefined;
    await this.journal.close();
  }

  #stamp() {
    return { upMs: this.upMs(), ...this.clock };
  }
}

/** A real bridge with one enrolled node, and the account of what its cards committed. */
export class BareSite {
  readonly state: string;
  bridge: RunningBridge;
  readonly admin: ApiClient;
  readonly identity: NodeIdentity;
  readonly #cards = new Map<string, JournalObserver>();
  readonly #mqttPort: number;

  private constructor(
    state: string,
    mqttPort: number,
    bridge: RunningBridge,
    admin: ApiClient,
    identity: NodeIdentity,
  ) {
    this.state = state;
    this.#mqttPort = mqttPort;
    this.bridge = bridge;
    this.admin = admin;
    this.identity = identity;
  }

  static async start(): Promise<BareSite> {
    const state = join(temporaryDirectory(), "bridge");
    const bridge = await startTestBridge(bridgeConfigFor(state));
    const admin = await signInBy(bridge, bridge.adminLink ?? "");
    const identity = await EdgeNode.pair(bridge, admin, "site-1");
    const site = new BareSite(state, bridge.mqttPort, bridge, admin, identity);
    onTestFinished(() => site.bridge.close());
    return site;
  }

  /** The same bridge again, behind the address that its nodes know. */
  async restart(): Promise<void> {
    const config = bridgeConfigFor(this.state);
    const listen = { ...config.listen, mqtt: this.#mqttPort };
    this.bridge = await startTestBridge({ ...config, listen });
  }

  /** Notes what a card holds now, so that the account asks for it. */
  look(state: string): JournalObserver {
    const card = this.#cards.get(state) ?? new JournalObserver(state);
    this.#cards.set(state, card);
    card.look();
    return card;
  }

  async faults(): Promise<readonly string[]> {
    const { json } = await this.admin.ask("/api/v1/nodes/site-1");
    return (json as { faults: { rule: string }[] }).faults.map(({ rule }) => rule);
  }

  /** Resolves when the bridge counts every seq that it heard of as stored or declared. */
  async accounted(): Promise<void> {
    for (const untilMs = performance.now() + DRAIN_MS; ; ) {
      const { json } = await this.admin.ask("/api/v1/nodes/site-1/accounting");
      const { total } = json as { total: { outstanding: number; unexplained: number } };
      if (total.outstanding + total.unexplained === 0) return;
      if (performance.now() > untilMs) throw new Error(`not accounted for: ${JSON.stringify(total)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async account() {
    await this.bridge.close();
    return custodyReport(await contentOf(sqliteBridge(this.state)), [...this.#cards.values()]);
  }
}

function startBody({ restored }: CustodyJournal) {
  const { previous } = restored;
  return {
    ...(previous === undefined ? {} : { previous }),
    reason: previous === undefined ? ("first" as const) : ("unclean" as const),
    version: "test",
    configSha256: "0".repeat(64),
    devices: [],
  };
}
