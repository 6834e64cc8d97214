import { QUARANTINE_BYTES_PER_NODE } from "../../protocol/limits.ts";
import type { Packing } from "../../protocol/packing.ts";
import type { ReceiptMessage } from "../../protocol/session.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Store } from "../store/database.ts";
import { isPostgres } from "../store/dialect.ts";
import { type FaultPoints, noFaultPoints } from "../store/fault-points.ts";
import { openInboxDays } from "../store/inbox-days.ts";
import type { Logger } from "../store/logger.ts";
import { changing } from "../store/transactions.ts";
import { type CommittedBatch, type ReadMessage, readMessage } from "./batch.ts";
import { commitBatch } from "./commit-batch.ts";
import { applyNodeState } from "./node-state.ts";
import type { TakenAlarm } from "./record-effects.ts";

export interface IngestOptions {
  readonly store: Pick<Store, "db" | "bridge">;
  readonly clock: BridgeClock;
  readonly log: Logger;
  /** To the node's `receipt`, QoS 1, never retained. What is not delivered is asked for again. */
  publishReceipt(node: string, message: ReceiptMessage, packing?: Packing): Promise<unknown> | undefined;
  /** After each commit and its receipts: the desk and the event stream wake. */
  onCommitted?(batch: CommittedBatch): void;
  /** A node's transport came, went or changed its session. */
  onPresence?(node: string): void;
  readonly faults?: FaultPoints;
  readonly quarantineBytes?: number;
  /** Id of this process, where it holds its nodes' connections itself. */
  readonly worker?: string;
  /** Run time that a node has to find the time before its clock is called untrusted; default 90 s. */
  readonly clockSettleMs?: number;
}

/**
 * Messages, and bytes, of one transaction: short enough that an alarm never waits long behind a backlog. On SQLite nothing else
 * happens in this process meanwhile; on PostgreSQL each transaction waits for the server's disk, and larger ones wait less often.
 */
const BATCH_MESSAGES = 64;
const BATCH_MESSAGES_POSTGRES = 128;
const BATCH_BYTES = 512 * 1024;
/** Of one node, and of all together; beyond it the broker holds that node back. */
const WAITING_PER_NODE = 32;
const WAITING_BYTES = 64 * 1024 * 1024;

const CLOCK_SETTLE_MS = 90_000;

interface Waiting {
  readonly node: string;
  readonly bytes: Uint8Array;
  readonly done: () => void;
  /** Once it was opened, while the database was at work. */
  read?: ReadMessage;
}

/** Takes what nodes send, commits it in groups, and answers only what is committed. */
export class Ingest {
  readonly #options: IngestOptions;
  readonly #faults: FaultPoints;
  readonly #batchMessages: number;
  readonly #queue: Waiting[] = [];
  readonly #perNode = new Map<string, number>();
  #bytes = 0;
  #running: Promise<void> | undefined;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#faults = options.faults ?? noFaultPoints;
    this.#batchMessages = isPostgres(options.store.db) ? BATCH_MESSAGES_POSTGRES : BATCH_MESSAGES;
  }

  /** Resolves at once while there is room, else when this message was taken: that holds back its node and no other. */
  onUp(node: string, bytes: Uint8Array): Promise<void> {
    const waiting = (this.#perNode.get(node) ?? 0) + 1;
    this.#perNode.set(node, waiting);
    this.#bytes += bytes.length;
    const taken = new Promise<void>((done) => {
      this.#queue.push({ node, bytes, done });
    });
    this.#running ??= this.#run();
    return waiting > WAITING_PER_NODE || this.#bytes > WAITING_BYTES ? taken : Promise.resolve();
  }

  /** The retained `state`, from the node itself or as its last will. */
  async onState(node: string, bytes: Uint8Array): Promise<void> {
    const { store, clock, log, worker } = this.#options;
    try {
      const changed = await changing(store.db, (trx) => applyNodeState(trx, node, bytes, clock.nowMs(), worker));
      if (changed.isPresence) this.#options.onPresence?.(node);
      if (changed.hasAlarms) {
        const nothing = { answers: [], nodes: new Set<string>(), handsets: [], records: 0, hasCrewNews: false };
        this.#options.onCommitted?.({ ...nothing, greeted: new Set(), alarms: [], hasAlarms: true });
      }
    } catch (error) {
      log.error({ node, code: "INGEST_STORE", error: String(error) }, "state of a node not stored");
    }
  }

  /** Resolves once everything that has arrived is committed and answered, or given up. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // Whatever arrives in the same turn shares a transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const waiting = this.#next();
      const stored = this.#store(waiting.map(read));
      void this.#readAhead(stored);
      await stored;
      for (const { node, bytes, done } of waiting) {
        this.#bytes -= bytes.length;
        const left = (this.#perNode.get(node) ?? 1) - 1;
        if (left > 0) this.#perNode.set(node, left);
        else this.#perNode.delete(node);
        done();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#running = undefined;
  }

  /** Opens what waits while the server commits, message by message, so that none of its answers waits long. */
  async #readAhead(stored: Promise<void>): Promise<void> {
    let isStored = false;
    void stored.finally(() => {
      isStored = true;
    });
    for (let at = 0; at < this.#batchMessages; at += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      const waiting = this.#queue[at];
      if (isStored || waiting === undefined) return;
      waiting.read ??= readMessage(waiting.node, waiting.bytes);
    }
  }

  #next(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue.slice(0, this.#batchMessages)) {
      bytes += waiting.bytes.length;
      if (count > 0 && bytes > BATCH_BYTES) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** A batch that cannot be stored is tried message by message: one that no store can take must not cost the others. */
  async #store(messages: readonly ReadMessage[]): Promise<void> {
    try {
      await this.#commit(messages);
    } catch (error) {
      const [only] = messages;
      if (messages.length === 1 && only !== undefined) {
        this.#options.log.error(
          { node: only.node, code: "INGEST_STORE", error: String(error) },
          "message of a node not stored, no receipt given",
        );
        return;
      }
      for (const message of messages) await this.#store([message]);
    }
  }

  async #commit(messages: readonly ReadMessage[]): Promise<void> {
    const {
      store,
      clock,
      quarantineBytes = QUARANTINE_BYTES_PER_NODE,
      clockSettleMs = CLOCK_SETTLE_MS,
    } = this.#options;
    const context = {
      bridge: store.bridge,
      nowMs: clock.nowMs(),
      quarantineBytes,
      clockSettleMs,
      faults: this.#faults,
    };
    await openInboxDays(store.db, context.nowMs);
    const committed = await changing(store.db, (trx) => commitBatch(trx, messages, context));
    this.#faults.reach("bridge-before-receipt");
    this.#answer(committed);
    for (const alarm of committed.alarms) tellTaken(this.#options.log, alarm);
    this.#faults.reach("bridge-after-receipt");
    this.#options.onCommitted?.(committed);
  }

  #answer({ answers }: CommittedBatch): void {
    const seen = new Set<string>();
    for (const { node, message, packing } of answers) {
      // One say-hello a batch is enough for a node.
      if (message.type === "say-hello" && seen.has(node)) continue;
      if (message.type === "say-hello") seen.add(node);
      const published = this.#options.publishReceipt(node, message, packing);
      if (published === undefined) continue;
      published.catch((error: unknown) => {
        this.#options.log.warn({ node, code: "RECEIPT_UNSENT", error: String(error) }, "receipt not sent");
      });
    }
  }
}

function read({ node, bytes, read }: Waiting): ReadMessage {
  return read ?? readMessage(node, bytes);
}

function tellTaken(log: Logger, alarm: TakenAlarm): void {
  if (alarm.phase === "updated") log.debug(alarm, "alarm taken");
  else log.info(alarm, "alarm taken");
}
