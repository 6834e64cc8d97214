import { type BlobMessage, decodeBlobMessage, isBlobId } from "../../protocol/blob.ts";
import type { Sha256 } from "../../protocol/ids.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { ReceiptMessage } from "../../protocol/session.ts";
import { raiseFault } from "../alarms/faults.ts";
import type { BridgeClock } from "../store/clock.ts";
import { currentEpoch, type Store } from "../store/database.ts";
import { type FaultPoints, noFaultPoints } from "../store/fault-points.ts";
import type { Logger } from "../store/logger.ts";
import { adoptFiles } from "./blob-adoption.ts";
import { BlobFiles, type BlobKey } from "./blob-files.ts";
import { BlobKeeping } from "./blob-keeping.ts";
import {
  allUsedBytes,
  type BlobRow,
  isAnnounced,
  isInline,
  isStale,
  loadBlob,
  saveBlob,
  usedBytes,
} from "./blob-rows.ts";
import { type BlobAnswer, judgeBlob, judgeHash } from "./blob-verdict.ts";

const SYNC_EVERY_BYTES = 1024 * 1024;
const TIDY_EVERY_MS = 10 * 60_000;
const NO_ROOM_MS = 60_000;
/** How long the sum of all files is believed: it reads every row, and all else waits for that. */
const COUNT_EVERY_MS = 10 * 60_000;
const MAX_REMEMBERED = 1000;

export interface EvidenceLimits {
  readonly maxBytes: number;
  readonly maxBytesPerNode: number;
  /** Of files whose record has not come, for each node. */
  readonly orphanBytesPerNode: number;
  readonly orphanMs: number;
  readonly keepMs?: number;
  /** The term of a case: its files stay so long after its end, however short the room is. */
  readonly caseMs: number;
  /** An upload that has not moved for so long holds no more room than what has come of it. */
  readonly staleMs: number;
}

export const DEFAULT_EVIDENCE_LIMITS: EvidenceLimits = {
  maxBytes: 64 * 1024 ** 3,
  maxBytesPerNode: 16 * 1024 ** 3,
  orphanBytesPerNode: 256 * 1024 ** 2,
  orphanMs: 7 * 24 * 3600_000,
  caseMs: 1095 * 24 * 3600_000,
  staleMs: 7 * 24 * 3600_000,
};

export interface BlobIntakeOptions {
  readonly store: Pick<Store, "db" | "bridge">;
  /** Folder of the bridge's state. */
  readonly state: string;
  readonly clock: BridgeClock;
  readonly log: Logger;
  readonly limits?: Partial<EvidenceLimits>;
  publishReceipt(node: string, message: ReceiptMessage): Promise<unknown> | undefined;
  /** A fault was raised: the desk wakes. */
  readonly onAlarms?: () => void;
  /** A file of this node has come whole. */
  readonly onStored?: (node: string, blob: Sha256) => void;
  readonly faults?: FaultPoints;
}

/** An upload in hand. */
interface Upload {
  row: BlobRow;
  /** Bytes of the partial file. */
  lengthBytes: number;
}

/** Takes what nodes send on `blob`: one message after another for each node, and says `stored` only of what is on the disk. */
export class BlobIntake {
  readonly files: BlobFiles;
  readonly #options: BlobIntakeOptions;
  readonly #limits: EvidenceLimits;
  readonly #keeping: BlobKeeping;
  readonly #faults: FaultPoints;
  readonly #lines = new Map<string, Promise<void>>();
  readonly #uploads = new Map<string, Upload>();
  #tidiedAtMs = Number.NEGATIVE_INFINITY;
  #hasLooked = false;
  #isClosing = false;
  #isFull = false;
  /** Promised to all files, those that were begun here since it was counted included. */
  #all = { bytes: 0, countedAtMs: Number.NEGATIVE_INFINITY };

  constructor(options: BlobIntakeOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_EVIDENCE_LIMITS, ...options.limits };
    this.#faults = options.faults ?? noFaultPoints;
    this.files = new BlobFiles(options.state);
    this.#keeping = new BlobKeeping(options.store.db, this.files, this.#limits);
  }

  /** Resolves when it was taken, which holds back its node and no other. */
  onBlob(node: string, name: string, bytes: Uint8Array): Promise<void> {
    const message = decodeBlobMessage(bytes);
    if (message === undefined || !isBlobId(name)) {
      this.#options.log.warn({ node, blob: name, code: "BLOB_UNREADABLE" }, "message on blob ignored");
      return Promise.resolve();
    }
    return this.#inLine(node, () => this.#take({ node, blob: name }, message));
  }

  /** Another process may have put files together meanwhile: what is known of them is read anew. */
  forget(): void {
    this.#uploads.clear();
  }

  /** Called by the clock. */
  async tick(): Promise<void> {
    if (!this.#hasLooked) await this.#adopt();
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#tidiedAtMs < TIDY_EVERY_MS) return;
    this.#tidiedAtMs = nowMs;
    const went = await this.#keeping.tidy(nowMs);
    if (went === 0) return;
    this.#uploads.clear();
    this.#options.log.info({ files: went }, "evidence files went whose time was over");
  }

  async #adopt(): Promise<void> {
    const { clock, log, store, onStored } = this.#options;
    const files = await adoptFiles({
      db: store.db,
      files: this.files,
      log,
      nowMs: () => clock.nowMs(),
      inLine: (node, act) => this.#inLine(node, act),
      onAdopted: (key) => {
        this.#uploads.delete(nameOf(key));
        onStored?.(key.node, key.blob);
      },
      mayGoOn: () => !this.#isClosing,
    });
    this.#hasLooked = true;
    if (files > 0) log.warn({ files, code: "BLOB_ADOPTED" }, "files lay here that the database did not know");
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    while (this.#lines.size > 0) await Promise.all(this.#lines.values());
    await this.files.close();
  }

  #inLine(node: string, act: () => Promise<void>): Promise<void> {
    const before = this.#lines.get(node) ?? Promise.resolve();
    const done = before.then(act).catch((error: unknown) => {
      // No receipt: the node asks again.
      this.#options.log.error({ node, code: "BLOB_STORE", error: String(error) }, "file of a node not taken");
    });
    this.#lines.set(node, done);
    void done.then(() => {
      if (this.#lines.get(node) === done) this.#lines.delete(node);
    });
    return done;
  }

  async #take(key: BlobKey, message: BlobMessage): Promise<void> {
    const { db } = this.#options.store;
    let upload = await this.#upload(key);
    if (upload?.row.state === "stored" && message.bytes.length === 0) upload = await this.#reallyStored(key, upload);
    const isOffer = message.bytes.length === 0;
    if (isOffer && upload?.row.state === "partial" && (await isStale(db, key, this.#staleAtMs))) {
      if (!(await this.#isTakenUp(key, upload))) return this.#answer(key, { next: 0, waitMs: NO_ROOM_MS });
      // What had come of it may have gone to make that room.
      this.#uploads.delete(nameOf(key));
      upload = await this.#upload(key);
    }
    const isHeld = upload === undefined && message.bytes.length === 0 && (await isInline(db, key));
    const verdict = judgeBlob(key.blob, upload?.row, upload?.lengthBytes ?? 0, message, isHeld);
    switch (verdict.act) {
      case "answer":
        return this.#answer(key, verdict.answer);
      case "begin":
        return this.#begin(key, upload, verdict.sizeBytes);
      case "append":
        if (upload !== undefined) await this.#append(key, upload, message, verdict.from, verdict.to);
        return;
      case "complete":
        if (upload !== undefined) await this.#complete(key, upload);
    }
  }

  async #upload(key: BlobKey): Promise<Upload | undefined> {
    const name = nameOf(key);
    const known = this.#uploads.get(name);
    if (known !== undefined) return known;
    const row = await loadBlob(this.#options.store.db, key);
    if (row === undefined) return undefined;
    if (row.state === "partial" && row.sizeBytes > 0 && (await this.files.isThere(key, row.sizeBytes))) {
      // A file gets its name only when it is whole: a crash came before its row.
      const stored: BlobRow = { ...row, state: "stored", receivedBytes: row.sizeBytes };
      await saveBlob(this.#options.store.db, key, stored, this.#options.clock.nowMs());
      return this.#remember(key, { row: stored, lengthBytes: 0 });
    }
    const lengthBytes = row.state === "partial" ? await this.files.truncate(key, row.receivedBytes) : 0;
    return this.#remember(key, { row, lengthBytes });
  }

  #remember(key: BlobKey, upload: Upload): Upload {
    const name = nameOf(key);
    this.#uploads.delete(name);
    this.#uploads.set(name, upload);
    for (const [oldest, { row, lengthBytes }] of this.#uploads) {
      if (this.#uploads.size <= MAX_REMEMBERED) break;
      // What is not certain yet would be cut off.
      if (row.state !== "partial" || row.receivedBytes === lengthBytes) this.#uploads.delete(oldest);
      else break;
    }
    return upload;
  }

  /** A database may be older or newer than the folder beside it: `stored` is said of a file that is there. */
  async #reallyStored(key: BlobKey, upload: Upload): Promise<Upload> {
    if (await this.files.isThere(key, upload.row.sizeBytes)) return upload;
    this.#options.log.error({ ...key, code: "BLOB_VANISHED" }, "stored file is gone, asked for again");
    upload.row = { ...upload.row, state: "gone", receivedBytes: 0 };
    upload.lengthBytes = 0;
    return upload;
  }

  async #begin(key: BlobKey, known: Upload | undefined, sizeBytes: number): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    if (!(await this.#hasRoom(key, sizeBytes - (known?.row.state === "partial" ? known.row.sizeBytes : 0)))) {
      return this.#answer(key, { next: 0, waitMs: NO_ROOM_MS });
    }
    this.#all.bytes += sizeBytes;
    const { restarts = 0, firstAtMs = nowMs } = known?.row ?? {};
    const row: BlobRow = { sizeBytes, receivedBytes: 0, state: "partial", restarts, firstAtMs };
    try {
      await this.files.truncate(key, 0);
    } catch (error) {
      return this.#full(key, 0, error);
    }
    await saveBlob(this.#options.store.db, key, row, nowMs);
    const upload = this.#remember(key, { row, lengthBytes: 0 });
    if (sizeBytes === 0) return this.#complete(key, upload);
    return this.#answer(key, { next: 0 });
  }

  /** One that stood still for long has lost the room that it was promised: it must find room like a new one. */
  async #isTakenUp(key: BlobKey, { row }: Upload): Promise<boolean> {
    const { store, clock } = this.#options;
    if (!(await this.#hasRoom(key, row.sizeBytes - row.receivedBytes))) return false;
    this.#all.bytes += row.sizeBytes - row.receivedBytes;
    await saveBlob(store.db, key, row, clock.nowMs());
    return true;
  }

  async #hasRoom(key: BlobKey, bytes: number): Promise<boolean> {
    const { db } = this.#options.store;
    const used = await usedBytes(db, key.node, this.#staleAtMs);
    const { maxBytes, maxBytesPerNode, orphanBytesPerNode } = this.#limits;
    if (used.orphans + bytes > orphanBytesPerNode && !(await isAnnounced(db, key))) return false;
    const all = await this.#allBytes();
    if (all + bytes <= maxBytes && used.node + bytes <= maxBytesPerNode) return true;
    const counted = await this.#allBytes(true);
    const lacking = Math.max(counted + bytes - maxBytes, used.node + bytes - maxBytesPerNode);
    if (lacking <= 0) return true;
    const freed = await this.#keeping.makeRoom(lacking, this.#options.clock.nowMs());
    if (freed > 0) this.#forgetGone();
    const after = await usedBytes(db, key.node, this.#staleAtMs);
    const hasRoom = (await this.#allBytes(true)) + bytes <= maxBytes && after.node + bytes <= maxBytesPerNode;
    if (!hasRoom) this.#sayFull(key, "no room is left in the limits of `evidence`");
    return hasRoom;
  }

  async #allBytes(isAnew = false): Promise<number> {
    const nowMs = this.#options.clock.nowMs();
    if (isAnew || nowMs - this.#all.countedAtMs > COUNT_EVERY_MS) {
      this.#all = { bytes: await allUsedBytes(this.#options.store.db, this.#staleAtMs), countedAtMs: nowMs };
    }
    return this.#all.bytes;
  }

  /** Rows have changed under what is remembered; an upload that moves has bytes that no row tells of yet. */
  #forgetGone(): void {
    for (const [name, { row, lengthBytes }] of this.#uploads) {
      if (row.state !== "partial" || row.receivedBytes === lengthBytes) this.#uploads.delete(name);
    }
  }

  get #staleAtMs(): number {
    return this.#options.clock.nowMs() - this.#limits.staleMs;
  }

  async #append(key: BlobKey, upload: Upload, { bytes }: BlobMessage, from: number, to: number): Promise<void> {
    try {
      await this.files.append(key, upload.lengthBytes, bytes.subarray(from, to));
      upload.lengthBytes += to - from;
      this.#faults.reach("bridge-mid-blob");
      if (upload.lengthBytes < upload.row.sizeBytes) {
        if (upload.lengthBytes - upload.row.receivedBytes >= SYNC_EVERY_BYTES) await this.#certain(key, upload);
        this.#isFull = false;
        return this.#answer(key, { next: upload.lengthBytes });
      }
    } catch (error) {
      return this.#full(key, upload.lengthBytes, error);
    }
    await this.#complete(key, upload);
  }

  async #certain(key: BlobKey, upload: Upload): Promise<void> {
    await this.files.sync(key);
    upload.row = { ...upload.row, receivedBytes: upload.lengthBytes };
    await saveBlob(this.#options.store.db, key, upload.row, this.#options.clock.nowMs());
  }

  async #complete(key: BlobKey, upload: Upload): Promise<void> {
    const { db } = this.#options.store;
    const nowMs = this.#options.clock.nowMs();
    await this.files.sync(key);
    const found = await this.files.hash(key);
    const answer = judgeHash(key.blob, found, upload.row);
    if (answer.stored !== undefined) {
      await this.files.finish(key);
      upload.row = { ...upload.row, state: "stored", receivedBytes: upload.row.sizeBytes };
      await saveBlob(db, key, upload.row, nowMs);
      this.#faults.reach("bridge-before-blob-receipt");
      await this.#answer(key, answer);
      this.#options.onStored?.(key.node, key.blob);
      return;
    }
    await this.#wrong(key, upload, found, answer);
  }

  async #wrong(key: BlobKey, upload: Upload, found: Sha256, answer: BlobAnswer): Promise<void> {
    const { db } = this.#options.store;
    const nowMs = this.#options.clock.nowMs();
    const restarts = upload.row.restarts + 1;
    this.#options.log.error({ ...key, code: "BLOB_HASH", found, restarts }, "file has another hash");
    if (answer.restart === true) {
      upload.lengthBytes = await this.files.truncate(key, 0);
      upload.row = { ...upload.row, restarts, receivedBytes: 0 };
      await saveBlob(db, key, upload.row, nowMs);
    } else {
      upload.row = { ...upload.row, restarts, receivedBytes: 0, state: "refused", code: answer.refused ?? "BLOB_HASH" };
      await db.transaction().execute(async (trx) => {
        await saveBlob(trx, key, upload.row, nowMs);
        await raiseFault(trx, { node: key.node, rule: "evidence-lost" }, nowMs);
      });
      await this.files.remove(key);
      this.#options.onAlarms?.();
    }
    await this.#answer(key, answer);
  }

  /** The disk takes nothing now: what is here stays, and the node comes again. */
  async #full(key: BlobKey, next: number, error: unknown): Promise<void> {
    this.#sayFull(key, String(error));
    await this.#answer(key, { next, waitMs: NO_ROOM_MS });
  }

  #sayFull({ node }: BlobKey, why: string): void {
    if (this.#isFull) return;
    this.#isFull = true;
    const hint = "Free space on the disk of the bridge's state, raise `evidence.maxGigabytes`, or close cases.";
    this.#options.log.error({ node, code: "BLOB_NO_ROOM", why, hint }, "no room for evidence, nodes keep it");
  }

  async #answer({ node, blob }: BlobKey, answer: BlobAnswer): Promise<void> {
    const { store, publishReceipt } = this.#options;
    const epoch = await store.db.transaction().execute((trx) => currentEpoch(trx));
    const message = { v: PROTOCOL_VERSION, type: "blob", bridge: store.bridge, epoch, blob, ...answer } as const;
    // Not waited for: a node that reads slowly must not keep its own file from being taken.
    void publishReceipt(node, message)?.catch((error: unknown) => {
      this.#options.log.warn({ node, code: "RECEIPT_UNSENT", error: String(error) }, "receipt not sent");
    });
  }
}

function nameOf({ node, blob }: BlobKey): string {
  return `${node} ${blob}`;
}
