import { accountOf } from "../../cloud-bridge/store/ledger.ts";
import { sha256Of } from "../../protocol/envelope.ts";
import { contains, countOf, type Ranges, subtract } from "../../protocol/ranges.ts";
import type { ReceiptMessage } from "../../protocol/session.ts";
import { Chance } from "./chance.ts";
import { type BridgeMutation, ModelBridge } from "./model-bridge.ts";
import { ModelNode, type NodeMutation } from "./model-node.ts";

export type Mutation = NodeMutation | BridgeMutation;

/** One step of a run: something happens, then time passes. */
export interface Step {
  readonly act: Act;
  readonly thenMs: number;
  readonly size: number;
}

export const ACTS = [
  "record",
  "raise",
  "update",
  "clear",
  "crash",
  "break-link",
  "mend-link",
  "noisy-link",
  "break-store",
  "mend-store",
  "crash-worker",
  "elect",
  "back-up",
  "restore",
  "swap-card",
  "clone-card",
  "month",
  "give-up",
  "expire",
  "spoil",
  "garble",
  "close-case",
] as const;
export type Act = (typeof ACTS)[number];

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

const RECONNECT_MS = 3_000;
/** Within this an idle node has sent its health, and so hears of another epoch. */
const BEAT_MS = 62_000;
/** Of a month, what must be good. */
const CALM_MS = 200_000;
/** After the last fault everything must be at rest within this. */
const DRAIN_MS = 40 * 60_000;
/** Events of one millisecond; more means that somebody wakes without end. */
const MAX_SPINS = 20_000;
/** A real node of this size never comes near it; the cap of the contract is 200. */
const MAX_IN_FLIGHT = 200;

export interface RunCounts {
  readonly records: number;
  readonly alarms: number;
  readonly cases: number;
  readonly stored: number;
  readonly declared: number;
  readonly messages: number;
}

/** Node, link and bridge in virtual time, with everything that may go wrong between them. */
export class World {
  readonly #chance: Chance;
  readonly #node: ModelNode;
  readonly #bridge: ModelBridge;
  #queue: Scheduled[] = [];
  #order = 0;
  #nowMs = 1_763_500_000_000;
  #isBroken = false;
  #dropped = 0;
  #doubled = 0;
  #slowMs = 30;
  #garbleNext = false;
  #messages = 0;
  #spins = 0;
  readonly #faults: string[] = [];

  constructor(seed: number, mutation?: Mutation) {
    this.#chance = new Chance(seed);
    const time = {
      chance: this.#chance,
      nowMs: () => this.#nowMs,
      after: (delayMs: number, act: () => void) => this.#after(delayMs, act),
    };
    // Each side ignores the mutations of the other.
    const wrong = mutation as never;
    this.#bridge = new ModelBridge(
      { ...time, down: (message) => this.#down(message), wrong: (sentence) => this.#faults.push(sentence) },
      wrong,
    );
    this.#node = new ModelNode(
      {
        ...time,
        up: (bytes) => this.#up(bytes),
        puback: (act) => this.#carry(act),
        state: (session, isOnline) => this.#after(5, () => this.#bridge.state(session, isOnline)),
        marked: (run, ranges, epoch) => this.#checkMarks(run, ranges, epoch),
      },
      wrong,
    );
  }

  /** @throws Error with every invariant that was broken */
  run(steps: readonly Step[]): RunCounts {
    this.#node.boot();
    this.#keepConnected();
    for (const step of steps) {
      this.#acts[step.act](step.size);
      this.#pass(step.thenMs);
    }
    this.#endFaults();
    for (const index of [...this.#node.cards.keys()].reverse()) {
      this.#node.swap(index);
      this.#node.boot();
      this.#drain();
      this.#checkOpen();
    }
    this.#checkEnd();
    if (this.#faults.length > 0) throw new Error([...new Set(this.#faults)].join("\n"));
    return this.#counts();
  }

  // ---- what happens ----

  readonly #acts: Readonly<Record<Act, (size: number) => void>> = {
    record: (size) => this.#node.record(1 + size * 6),
    raise: (size) => this.#node.raise(size),
    update: () => this.#node.revise("updated"),
    clear: () => this.#node.revise("cleared"),
    crash: (size) => {
      this.#node.crash();
      this.#after(500 + size * 1_000, () => this.#node.boot());
    },
    "break-link": () => {
      this.#isBroken = true;
      this.#node.disconnect();
    },
    "mend-link": () => {
      this.#isBroken = false;
      [this.#dropped, this.#doubled, this.#slowMs] = [0, 0, 30];
    },
    "noisy-link": (size) => {
      [this.#dropped, this.#doubled, this.#slowMs] = [0.1 * size, 0.1, 30 + size * 2_000];
    },
    "break-store": () => {
      this.#bridge.isStoreBroken = true;
    },
    "mend-store": () => {
      this.#bridge.isStoreBroken = false;
    },
    "crash-worker": (size) => this.#bridge.crashWorker(size),
    elect: () => this.#bridge.elect(),
    "back-up": () => this.#bridge.backUp(),
    restore: () => this.#bridge.restore(),
    "swap-card": (size) => this.#node.swap(size % this.#node.cards.length),
    "clone-card": () => this.#node.cloneCard(),
    // In which the box that runs has a few good minutes: what is kept must outlive the age of a backup and an outage.
    month: () => {
      this.#endFaults();
      this.#pass(CALM_MS);
      this.#bridge.forgetBackup();
      this.#node.growOld();
    },
    "give-up": (size) => this.#node.giveUp(1 + size * 3),
    expire: () => this.#node.card.expire(),
    spoil: (size) => this.#node.spoil(size % 2 === 0),
    // What the line breaks is an envelope that does not open; TLS sees to it that no other bytes come out of it.
    garble: () => {
      this.#garbleNext = true;
    },
    "close-case": () => this.#bridge.closeCase(),
  };

  #endFaults(): void {
    this.#isBroken = false;
    [this.#dropped, this.#doubled, this.#slowMs] = [0, 0, 30];
    this.#garbleNext = false;
    this.#bridge.isStoreBroken = false;
  }

  /** As the gateway does: a dead line is noticed and a new session made. */
  #keepConnected(): void {
    if (!this.#isBroken) this.#node.connect();
    this.#after(RECONNECT_MS, () => this.#keepConnected());
  }

  // ---- link ----

  #up(bytes: Uint8Array): void {
    this.#messages += 1;
    const sent = this.#garbleNext ? bytes.map((byte, i) => (i === 0 ? byte ^ 0x15 : byte)) : bytes;
    this.#garbleNext = false;
    this.#carry(() => this.#bridge.receive(sent));
  }

  #down(message: ReceiptMessage): void {
    this.#carry(() => this.#node.message(structuredClone(message)));
  }

  /** Drops, repeats and reorders: worse than MQTT, so that nothing depends on its order. */
  #carry(act: () => void): void {
    if (this.#isBroken || this.#chance.is(this.#dropped)) return;
    this.#after(1 + this.#chance.below(this.#slowMs), act);
    if (this.#chance.is(this.#doubled)) this.#after(1 + this.#chance.below(this.#slowMs * 3), act);
  }

  // ---- time ----

  #after(delayMs: number, act: () => void): void {
    const atMs = this.#nowMs + Math.max(0, Math.round(delayMs));
    this.#order += 1;
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#queue[middle]?.atMs ?? 0) > atMs) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, { atMs, order: this.#order, act });
  }

  #pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#queue.at(-1); next !== undefined && next.atMs <= endMs; next = this.#queue.at(-1)) {
      this.#queue.pop();
      this.#spins = next.atMs === this.#nowMs ? this.#spins + 1 : 0;
      if (this.#spins > MAX_SPINS) throw new Error("time stands still: somebody wakes without end");
      this.#nowMs = next.atMs;
      next.act();
    }
    this.#nowMs = endMs;
  }

  #drain(): void {
    const endMs = this.#nowMs + DRAIN_MS;
    this.#pass(BEAT_MS + RECONNECT_MS);
    while (this.#nowMs < endMs) {
      this.#pass(1_000);
      if (!this.#node.isIdle || !this.#bridge.isIdle) continue;
      this.#pass(2_000);
      if (this.#node.isIdle && this.#bridge.isIdle && this.#isAccounted()) return;
    }
    this.#faults.push("not drained after the last fault");
  }

  #isAccounted(): boolean {
    const { ledger, listed } = this.#bridge.database;
    return [...listed].every((run) => {
      const row = ledger.get(run);
      return row === undefined || accountOf(row, true).outstanding === 0;
    });
  }

  // ---- what must hold ----

  /** The node gives up its right to a row only for the bridge's word, and that word is true. */
  #checkMarks(run: string, ranges: Ranges, epoch: string | undefined): void {
    const { database } = this.#bridge;
    if (epoch !== database.epoch) return;
    const stored = database.ledger.get(run)?.stored ?? [];
    const missing = subtract(ranges, stored);
    if (countOf(missing) > 0) this.#faults.push("a row is marked as receipted that the bridge has not stored");
  }

  /** The alarms that are open at the bridge are those that are open on the node whose card lies in it. */
  #checkOpen(): void {
    const open = new Set(this.#node.card.openAlarms.keys());
    for (const alarmId of open) {
      if (!this.#bridge.isAlarmOpen(alarmId)) this.#faults.push("an alarm is open on the node and not at the bridge");
    }
    for (const alarmId of this.#bridge.database.alarms.keys()) {
      if (!open.has(alarmId) && this.#bridge.isAlarmOpen(alarmId)) {
        this.#faults.push("an alarm stays open at the bridge that the node no longer knows");
      }
    }
  }

  #checkEnd(): void {
    const { database, mostBuffered } = this.#bridge;
    const revisions = new Map<string, number>();
    for (const card of this.#node.cards) {
      for (const row of card.everCommitted) {
        const ledger = database.ledger.get(row.run);
        const isStored = ledger !== undefined && contains(ledger.stored, row.seq);
        const isDeclared = ledger !== undefined && contains(ledger.declared, row.seq);
        if (!isStored && !isDeclared) this.#faults.push("a seq is neither stored nor declared");
        const isHeld = card.runs.some(({ run, rows }) => run === row.run && rows.has(row.seq));
        if (isHeld && !isStored && !row.isSpoiled) this.#faults.push("a row that the node holds is only declared");
        const hash = database.inbox.get(`${row.run} ${row.seq}`);
        if (isStored && hash !== undefined && hash !== sha256Of(row.bytes)) {
          this.#faults.push("other bytes are stored than were committed");
        }
        if (row.record.kind !== "alarm") continue;
        const { alarmId, rev } = row.record.body;
        revisions.set(alarmId, Math.max(revisions.get(alarmId) ?? 0, rev));
      }
    }
    for (const [alarmId, rev] of revisions) {
      const alarm = database.alarms.get(alarmId);
      if (alarm === undefined) this.#faults.push("an alarm is lost");
      else if (alarm.body.rev !== rev) this.#faults.push("an alarm's newest revision is lost");
      const cases = database.cases.flatMap(({ alarms }) => alarms.filter((joined) => joined.alarmId === alarmId));
      if (cases.length !== 1) this.#faults.push(`an alarm is in ${cases.length} cases`);
    }
    if (this.#node.mostInFlight > MAX_IN_FLIGHT) this.#faults.push("more than 200 records without a receipt");
    if (this.#node.mostWanted > 2_000 || mostBuffered > 2_000) this.#faults.push("memory is not bounded");
  }

  #counts(): RunCounts {
    const { database } = this.#bridge;
    const accounts = [...database.ledger.values()].map((row) => accountOf(row, true));
    return {
      records: this.#node.cards.reduce((sum, { everCommitted }) => sum + everCommitted.length, 0),
      alarms: database.alarms.size,
      cases: database.cases.length,
      stored: accounts.reduce((sum, { stored }) => sum + stored, 0),
      declared: accounts.reduce((sum, { declared }) => sum + declared, 0),
      messages: this.#messages,
    };
  }
}
