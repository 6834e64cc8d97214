import { Worker } from "node:worker_threads";
import { type GatewayFaultSpec, type GatewayNegativeControl, killAtFaultPoint } from "../contracts/fault-points.ts";
import { GatewayError } from "../contracts/gateway-error.ts";
import type {
  CustodyJournal,
  Journal,
  JournalNews,
  JournalRestore,
  JournalWrite,
  StoredRecord,
} from "../contracts/journal.ts";
import { Batch } from "./batch.ts";
import type { CallName, Calls, FromWorker, JournalSettings, Stamp, ToWorker } from "./messages.ts";
import { fromFault } from "./thread-fault.ts";

export interface JournalOptions {
  readonly directory: string;
  /** Largest size of the file; default 1 GiB. */
  readonly quotaBytes?: number;
  /** Kept free for alarms, on the disk and within the quota; default 8 MiB. */
  readonly reserveBytes?: number;
  /** How long a receipted record stays; default 30 days. */
  readonly keepReceiptedMs?: number;
  /** Free space of the disk below which the file grows no more; default 0. */
  readonly minFreeDiskBytes?: number;
  /** How long a grouped write may wait for company; default 20 ms. */
  readonly groupMs?: number;
  /** The node's time now; the journal has no clock of its own. */
  readonly stamp: () => Stamp;
  readonly faultPoint?: GatewayFaultSpec;
  readonly negativeControl?: GatewayNegativeControl;
}

const DAY_MS = 86_400_000;
const TEND_EVERY_MS = 10 * 60_000;
const TEND_OFTEN_MS = 1000;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}
interface GroupedWrite {
  readonly write: JournalWrite;
  readonly resolve: (seqs: readonly number[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts the journal's thread, begins a run and restores what the last one left.
 * @throws GatewayError STATE_BUSY, JOURNAL_READ_ONLY, JOURNAL_FULL, JOURNAL_VERSION, JOURNAL_SQLITE_OLD
 */
export async function openJournal(options: JournalOptions): Promise<CustodyJournal> {
  const settings: JournalSettings = {
    directory: options.directory,
    quotaBytes: options.quotaBytes ?? 1024 * 1024 * 1024,
    reserveBytes: options.reserveBytes ?? 8 * 1024 * 1024,
    keepReceiptedMs: options.keepReceiptedMs ?? 30 * DAY_MS,
    minFreeDiskBytes: options.minFreeDiskBytes ?? 0,
    stamp: options.stamp(),
    ...(options.faultPoint === undefined ? {} : { faultPoint: options.faultPoint }),
    ...(options.negativeControl === undefined ? {} : { negativeControl: options.negativeControl }),
  };
  const worker = new Worker(new URL("./thread-start.ts", import.meta.url), {
    workerData: settings,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const restored = await new Promise<JournalRestore>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (message: FromWorker) => {
      worker.off("error", reject);
      if (message.type === "opened") resolve(message.restored);
      else if (message.type === "not-opened") reject(fromFault(message.fault));
      else reject(new Error(`journal thread said ${message.type} before it was open`));
    });
  });
  return new ThreadJournal(worker, restored, options);
}

/** The main thread's side: forms groups, and knows which answer belongs to whom. */
class ThreadJournal implements CustodyJournal {
  readonly restored: JournalRestore;
  readonly #worker: Worker;
  readonly #stamp: () => Stamp;
  readonly #groupMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners: ((committed: readonly StoredRecord[]) => void)[] = [];
  readonly #newsListeners: ((news: JournalNews) => void)[] = [];
  /** Told before anybody listened. */
  #untold: JournalNews[] = [];
  readonly #tendTimer: NodeJS.Timeout;
  #group: GroupedWrite[] = [];
  #groupTimer: NodeJS.Timeout | undefined;
  #isGroupCommitting = false;
  #nextId = 1;
  #ended: Error | undefined;

  constructor(worker: Worker, restored: JournalRestore, options: JournalOptions) {
    this.#worker = worker;
    this.restored = restored;
    this.#stamp = options.stamp;
    this.#groupMs = options.groupMs ?? 20;
    const faultPoints = killAtFaultPoint(options.faultPoint);
    worker.on("message", (message: FromWorker) => {
      if (message.type === "checkpoint") faultPoints.reach("gateway-mid-checkpoint");
      else if (message.type === "committed") for (const listener of this.#listeners) listener(message.rows);
      else if (message.type === "news") this.#tellNews(message.news);
      else this.#take(message);
    });
    worker.on("error", (error) => this.#end(error));
    worker.on("exit", () => this.#end(undefined));
    const tendMs = Math.max(TEND_OFTEN_MS, Math.min(TEND_EVERY_MS, (options.keepReceiptedMs ?? TEND_EVERY_MS) / 4));
    this.#tendTimer = setInterval(() => this.#call("tend", this.#stamp()).catch(() => {}), tendMs).unref();
  }

  write(write: JournalWrite, urgency: "urgent" | "grouped"): Promise<readonly number[]> {
    if (urgency === "urgent") return this.#commit([write], "urgent").then(([first]) => settled(first));
    return new Promise((resolve, reject) => {
      this.#group.push({ write, resolve, reject });
      this.#groupTimer ??= setTimeout(() => this.#flushGroup(), this.#groupMs);
    });
  }

  runs(): ReturnType<Journal["runs"]> {
    return this.#call("runs", undefined);
  }

  async read(query: Parameters<Journal["read"]>[0]): Promise<readonly StoredRecord[]> {
    return this.#call("read", query);
  }

  lacking(run: string, ranges: Parameters<Journal["lacking"]>[1]): ReturnType<Journal["lacking"]> {
    return this.#call("lacking", { run, ranges });
  }

  markReceipted(run: string, ranges: Parameters<Journal["markReceipted"]>[1]): void {
    this.#call("receipts", { run, ranges }).catch(() => {});
  }

  hash(run: string, seq: number): Promise<string | undefined> {
    return this.#call("hash", { run, seq });
  }

  getSetting(key: string): Promise<string | undefined> {
    return this.#call("getSetting", key);
  }

  async setSetting(key: string, value: string): Promise<void> {
    await this.#call("setSetting", { key, value });
  }

  helloContent(): ReturnType<CustodyJournal["helloContent"]> {
    return this.#call("helloContent", undefined);
  }

  unreceiptedSheds(): ReturnType<CustodyJournal["unreceiptedSheds"]> {
    return this.#call("unreceiptedSheds", undefined);
  }

  async beginCustody(epoch: string): Promise<void> {
    await this.#call("beginCustody", epoch);
  }

  statistics(): ReturnType<Journal["statistics"]> {
    return this.#call("statistics", undefined);
  }

  async flush(): Promise<void> {
    while (this.#group.length > 0 || this.#isGroupCommitting) await this.#flushGroup();
    await this.#call("flush", undefined);
  }

  onCommitted(listener: (committed: readonly StoredRecord[]) => void): void {
    this.#listeners.push(listener);
  }

  onNews(listener: (news: JournalNews) => void): void {
    this.#newsListeners.push(listener);
    for (const news of this.#untold) listener(news);
    this.#untold = [];
  }

  #tellNews(news: JournalNews): void {
    if (this.#newsListeners.length === 0) this.#untold.push(news);
    for (const listener of this.#newsListeners) listener(news);
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    clearInterval(this.#tendTimer);
    while (this.#group.length > 0 || this.#isGroupCommitting) await this.#flushGroup();
    const gone = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    await this.#call("close", this.#stamp());
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One group at a time: while the disk is slow, the next one grows instead of queueing behind it. */
  async #flushGroup(): Promise<void> {
    clearTimeout(this.#groupTimer);
    this.#groupTimer = undefined;
    if (this.#isGroupCommitting) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return;
    }
    const group = this.#group;
    if (group.length === 0) return;
    this.#group = [];
    this.#isGroupCommitting = true;
    try {
      const outcomes = await this.#commit(
        group.map(({ write }) => write),
        "grouped",
      );
      for (const [at, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[at];
        if (outcome !== undefined && "seqs" in outcome) resolve(outcome.seqs);
        else reject(outcome === undefined ? ended() : fromFault(outcome.fault));
      }
    } catch (error) {
      for (const { reject } of group) reject(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#isGroupCommitting = false;
      if (this.#group.length > 0) this.#groupTimer ??= setTimeout(() => this.#flushGroup(), 0);
    }
  }

  async #commit(writes: readonly JournalWrite[], urgency: "urgent" | "grouped") {
    const batch = new Batch(writes);
    if (batch.writes.length === 0) return batch.outcomes({ outcomes: [], shed: [] });
    const answer = await this.#call("write", { writes: batch.writes, urgency, stamp: this.#stamp() });
    if (this.#listeners.length > 0) {
      const committed = batch.committed(this.restored.run, answer);
      if (committed.length > 0) for (const listener of this.#listeners) listener(committed);
    }
    return batch.outcomes(answer);
  }

  #call<K extends CallName>(name: K, ask: Calls[K]["ask"]): Promise<Calls[K]["answer"]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.#worker.postMessage({ id, name, ask } as ToWorker);
    });
  }

  #take(message: FromWorker): void {
    if (message.type !== "answer" && message.type !== "fault") return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === "answer") waiting?.resolve(message.answer);
    else waiting?.reject(fromFault(message.fault));
  }

  #end(error: Error | undefined): void {
    this.#ended ??= ended(error);
    clearInterval(this.#tendTimer);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}

function settled(
  outcome: { readonly seqs: readonly number[] } | { readonly fault: Parameters<typeof fromFault>[0] } | undefined,
) {
  if (outcome === undefined) throw ended();
  if ("fault" in outcome) throw fromFault(outcome.fault);
  return outcome.seqs;
}

function ended(cause?: Error): GatewayError {
  return new GatewayError("JOURNAL_CLOSED", "the journal's thread has ended", {
    hint: "The gateway is stopping, or the line before this one says what ended it.",
    cause,
  });
}
