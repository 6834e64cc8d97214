import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer } from "../../../cloud-bridge/ingest/batch.ts";
import { Ingest, type IngestOptions } from "../../../cloud-bridge/ingest/ingest.ts";
import type { BridgeClock } from "../../../cloud-bridge/store/clock.ts";
import type { Store } from "../../../cloud-bridge/store/database.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { encodeEnvelope } from "../../../protocol/envelope.ts";
import { encodeHello, type HelloContent, helloPages } from "../../../protocol/hello.ts";
import { newRunId } from "../../../protocol/new-ids.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import type { ReceiptMessage } from "../../../protocol/session.ts";
import { elect, forget, storeOf } from "../../fakes/bridge-store.ts";

export const T0 = 1_763_500_000_000;

/** Ingest over a real database, with a clock that stands still unless it is moved. */
export class BridgeBench implements AsyncDisposable {
  readonly answers: Answer[] = [];
  readonly session = newRunId();
  readonly clock: BridgeClock & { atMs: number };
  readonly store: Store;
  readonly ingest: Ingest;
  epoch = "";
  readonly #state: string;
  readonly #close: () => Promise<void>;

  static async open(options: Partial<IngestOptions> = {}, state?: string): Promise<BridgeBench> {
    const folder = state ?? mkdtempSync(join(tmpdir(), "shao-ingest-"));
    const store = await storeOf(folder, { nowMs: T0 });
    const election = await elect(folder, store);
    const bench = new BridgeBench(folder, store, options, async () => {
      await election.resign();
      await store.close();
    });
    bench.epoch = election.epoch;
    return bench;
  }

  private constructor(state: string, store: Store, options: Partial<IngestOptions>, close: () => Promise<void>) {
    this.#state = state;
    this.#close = close;
    this.store = store;
    this.clock = {
      atMs: T0,
      nowMs() {
        return this.atMs;
      },
      upMs: () => 0,
    };
    this.ingest = new Ingest({
      store,
      clock: this.clock,
      log: silentLogger,
      publishReceipt: (node, message, packing) => {
        this.answers.push({ node, message, ...(packing === undefined ? {} : { packing }) });
        return undefined;
      },
      ...options,
    });
  }

  get state(): string {
    return this.#state;
  }

  async up(bytes: Uint8Array, node = "site-1"): Promise<readonly ReceiptMessage[]> {
    const before = this.answers.length;
    await this.ingest.onUp(node, bytes);
    await this.ingest.idle();
    return this.answers.slice(before).map(({ message }) => message);
  }

  hello(
    content: Partial<HelloContent> & Pick<HelloContent, "runs">,
    node = "site-1",
  ): Promise<readonly ReceiptMessage[]> {
    const [page] = helloPages({ session: this.session, current: content.runs[0]?.run ?? "", open: [], ...content });
    if (page === undefined) throw new Error("no page");
    return this.up(encodeHello(page), node);
  }

  async online(node = "site-1", session = this.session): Promise<void> {
    await this.ingest.onState(node, Buffer.from(JSON.stringify({ v: 1, online: true, session, version: "1" })));
  }

  /** Records with consecutive seqs from `first`. */
  envelope(run: string, first: number, records: readonly NewRecord[], head?: number, upMs?: number): Uint8Array {
    return encodeEnvelope(
      { run, head: head ?? first + records.length - 1, ...(upMs === undefined ? {} : { upMs }) },
      records.map((record, i) => encodeRecord(first + i, record)),
    );
  }

  async count(table: "inbox" | "alarms" | "follow_up" | "quarantine" | "evidence"): Promise<number> {
    const row = await this.store.db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as("n"))
      .executeTakeFirstOrThrow();
    return Number(row.n);
  }

  /** The bridge's process ends; its file stays. */
  close(): Promise<void> {
    return this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    await forget(this.#state);
  }
}
