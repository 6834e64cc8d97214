import { encodeBlobMessage, MAX_BLOB_CHUNK_BYTES } from "../../protocol/blob.ts";
import type { EvidenceLostBody } from "../../protocol/evidence.ts";
import type { Sha256 } from "../../protocol/ids.ts";
import type { BlobReceipt } from "../../protocol/session.ts";
import type { KeptFile } from "../contracts/evidence.ts";
import type { BlobCommand, BlobEvent, BlobSenderOptions } from "./blob-types.ts";
import { BlobUpload, UploadQueue } from "./blob-upload.ts";
import type { LaneThree } from "./lane-three.ts";

const MIN_WAIT_MS = 5_000;
const MAX_WAIT_MS = 60_000;
const MAX_OFFERS = 8;
/** A file that could not be read waits so long, and so often: half an hour of a node that is short of something. */
const TROUBLE_WAIT_MS = 60_000;
const MAX_TROUBLES = 30;
/** Bytes without a receipt: what the line carries in this time. */
const WINDOW_MS = 4_000;
const MAX_WINDOW_BYTES = 256 * 1024;
const NONE = new Uint8Array();

interface Sent {
  readonly message: number;
  readonly upload: BlobUpload;
  /** Where its bytes end; undefined for an offer. */
  readonly endsAt: number | undefined;
  readonly sizeBytes: number;
  readonly sentAtMs: number;
}

/**
 * The node's half of custody of files, as a pure machine. Each file is offered; the bridge says how far it is; the bytes
 * from there on follow in order, under receipts, until it says `stored`. Whatever breaks, the next offer asks again. A file
 * that can never be stored is given up once.
 */
export class BlobSender implements LaneThree {
  readonly #options: BlobSenderOptions;
  readonly #uploads = new Map<Sha256, BlobUpload>();
  readonly #due = new UploadQueue();
  readonly #open = new UploadQueue();
  /** Sent and not answered, oldest first. */
  #sent: Sent[] = [];
  /** Not taken by the broker: message → packet bytes. */
  readonly #onWire = new Map<number, number>();
  #epoch: string | undefined;
  #pending: { readonly read: number; readonly upload: BlobUpload; readonly offset: number } | undefined;
  #chunk: { readonly upload: BlobUpload; readonly offset: number; readonly bytes: Uint8Array } | undefined;
  #numbers = 0;
  #probes = 0;
  #quietSinceMs = 0;
  #roundTripMs = 0;
  #nowMs = 0;
  #wakeAtMs: number | undefined;
  #out: BlobCommand[] = [];

  constructor(options: BlobSenderOptions) {
    this.#options = options;
  }

  get wireBytes(): number {
    let bytes = 0;
    for (const size of this.#onWire.values()) bytes += size;
    return bytes;
  }

  get isWaiting(): boolean {
    if (this.#epoch === undefined || this.#probes > 0) return false;
    return this.#nextOffer() !== undefined || this.#nextChunk() !== undefined;
  }

  /** Files that are neither stored under this epoch nor given up. */
  get waitingFiles(): number {
    return [...this.#uploads.values()].filter(({ phase }) => phase !== "done").length;
  }

  handle(event: BlobEvent): readonly BlobCommand[] {
    this.#out = [];
    this.#nowMs = event.nowMs;
    switch (event.type) {
      case "file":
        this.#takeFile(event.file, event.notBeforeMs);
        break;
      case "gone":
        this.#forget(this.#uploads.get(event.blob));
        this.#uploads.delete(event.blob);
        break;
      case "disconnected":
        this.#epoch = undefined;
        this.#restartAll();
        this.#probes = 0;
        break;
      case "answered":
        this.#epoch = event.epoch;
        this.#probes = 0;
        this.#restartAll();
        break;
      case "receipt":
        this.#takeReceipt(event.receipt);
        break;
      case "puback":
        this.#onWire.delete(event.message);
        break;
      case "chunk":
        this.#takeChunk(event.read, event.bytes, event.code);
        break;
      case "checked":
        this.#takeChecked(event.blob, event.isWhole);
        break;
      case "tick":
        this.#wakeAtMs = undefined;
        break;
    }
    if (this.#epoch !== undefined) this.#work();
    this.#wake();
    return this.#out;
  }

  #takeFile(file: KeptFile, notBeforeMs = 0): void {
    const known = this.#uploads.get(file.blob);
    if (known !== undefined && known.phase !== "done") return;
    const upload = new BlobUpload(file);
    upload.notBeforeMs = notBeforeMs;
    this.#uploads.set(file.blob, upload);
    if (file.storedEpoch !== undefined && file.storedEpoch === this.#epoch) upload.phase = "done";
    else this.#due.add(upload);
  }

  /** Nothing that was under way counts: each file that is not stored under this epoch is to be offered. */
  #restartAll(): void {
    this.#sent = [];
    this.#onWire.clear();
    this.#pending = undefined;
    this.#chunk = undefined;
    this.#due.clear();
    this.#open.clear();
    for (const [blob, upload] of this.#uploads) {
      if (upload.phase === "checking") continue;
      const isStored = upload.file.storedEpoch !== undefined && upload.file.storedEpoch === this.#epoch;
      const fresh = new BlobUpload(upload.file);
      fresh.notBeforeMs = upload.notBeforeMs;
      fresh.hasRestarted = upload.hasRestarted;
      fresh.troubles = upload.troubles;
      fresh.phase = isStored ? "done" : "due";
      this.#uploads.set(blob, fresh);
      if (!isStored) this.#due.add(fresh);
    }
  }

  // ---- receipts ----

  #takeReceipt(receipt: BlobReceipt): void {
    if (receipt.epoch !== this.#epoch) return;
    this.#quietSinceMs = this.#nowMs;
    this.#probes = 0;
    const upload = this.#uploads.get(receipt.blob);
    if (upload === undefined || upload.phase === "done") return;
    if (receipt.stored !== undefined) {
      this.#takeStored(upload, receipt.stored, receipt.epoch);
    } else if (receipt.refused !== undefined) {
      this.#giveUp(upload, "refused", receipt.refused);
    } else if (receipt.restart === true) {
      this.#restart(upload);
    } else if (receipt.offer === true) {
      if (upload.phase !== "checking") this.#requeue(upload);
    } else if (receipt.next !== undefined) {
      this.#advance(upload, receipt.next, receipt.waitMs);
    }
  }

  #takeStored(upload: BlobUpload, sha256: Sha256, epoch: string): void {
    const { file } = upload;
    if (sha256 !== file.blob) {
      this.#giveUp(upload, "refused", "BLOB_OTHER_HASH");
      return;
    }
    this.#settle(file.blob, Number.POSITIVE_INFINITY);
    this.#end(upload, { ...file, storedEpoch: epoch });
    this.#out.push({ type: "stored", blob: file.blob, epoch });
  }

  #advance(upload: BlobUpload, next: number, waitMs: number | undefined): void {
    if (upload.phase === "checking" || next > upload.file.sizeBytes) return;
    if (waitMs !== undefined) {
      upload.notBeforeMs = this.#nowMs + Math.min(waitMs, 3_600_000);
      this.#requeue(upload);
      return;
    }
    if (upload.phase !== "open") {
      this.#settle(upload.file.blob, 0);
      this.#due.delete(upload);
      upload.phase = "open";
      upload.ackedTo = next;
      upload.sentTo = next;
      this.#open.add(upload);
      return;
    }
    if (next > upload.ackedTo) {
      upload.ackedTo = next;
      upload.sentTo = Math.max(upload.sentTo, next);
      upload.hasGoneBack = false;
      this.#settle(upload.file.blob, next);
      return;
    }
    // It brought nothing new: a chunk before this one was not taken.
    if (upload.hasGoneBack && next === upload.ackedTo) return;
    this.#settle(upload.file.blob, Number.POSITIVE_INFINITY);
    upload.hasGoneBack = true;
    upload.ackedTo = next;
    upload.sentTo = next;
    if (this.#chunk?.upload === upload) this.#chunk = undefined;
    if (this.#pending?.upload === upload) this.#pending = undefined;
  }

  /** The bridge put together something else: once more from the start, if what lies here is right. */
  #restart(upload: BlobUpload): void {
    if (upload.phase === "checking") return;
    if (upload.hasRestarted) {
      this.#giveUp(upload, "refused", "BLOB_HASH");
      return;
    }
    this.#forget(upload);
    upload.hasRestarted = true;
    upload.phase = "checking";
    this.#out.push({ type: "check", blob: upload.file.blob });
  }

  #takeChecked(blob: Sha256, isWhole: boolean): void {
    const upload = this.#uploads.get(blob);
    if (upload?.phase !== "checking") return;
    if (isWhole) this.#requeue(upload);
    else this.#giveUp(upload, "damaged");
  }

  #giveUp(upload: BlobUpload, reason: EvidenceLostBody["reason"], code?: string): void {
    this.#end(upload, upload.file);
    // Not offered again in this process; the store no longer names it after the next start.
    this.#uploads.delete(upload.file.blob);
    this.#out.push({ type: "give-up", blob: upload.file.blob, reason, ...(code === undefined ? {} : { code }) });
  }

  #end(upload: BlobUpload, file: KeptFile): void {
    this.#forget(upload);
    const ended = new BlobUpload(file);
    ended.phase = "done";
    this.#uploads.set(file.blob, ended);
  }

  #requeue(upload: BlobUpload): void {
    this.#forget(upload);
    upload.phase = "due";
    upload.ackedTo = 0;
    upload.sentTo = 0;
    upload.hasGoneBack = false;
    this.#due.add(upload);
  }

  /** Nothing of it is on its way any more. */
  #forget(upload: BlobUpload | undefined): void {
    if (upload === undefined) return;
    this.#due.delete(upload);
    this.#open.delete(upload);
    this.#sent = this.#sent.filter((sent) => sent.upload !== upload);
    if (this.#chunk?.upload === upload) this.#chunk = undefined;
    if (this.#pending?.upload === upload) this.#pending = undefined;
  }

  /** Answered: what of this blob ends at or before `to`, and its offer. */
  #settle(blob: Sha256, to: number): void {
    const isAnswered = ({ upload, endsAt }: Sent) => upload.file.blob === blob && (endsAt ?? 0) <= to;
    const newest = this.#sent.findLast(isAnswered);
    if (newest !== undefined && !newest.upload.hasGoneBack && to !== Number.POSITIVE_INFINITY) {
      const sample = this.#nowMs - newest.sentAtMs;
      this.#roundTripMs = this.#roundTripMs === 0 ? sample : this.#roundTripMs + (sample - this.#roundTripMs) / 8;
    }
    this.#sent = this.#sent.filter((sent) => !isAnswered(sent));
  }

  // ---- sending ----

  /** At most one message: each is paid for before the next. */
  #work(): void {
    this.#endSilence();
    const roomBytes = this.#options.roomBytes();
    if (roomBytes <= 0) return;
    const offer = this.#nextOffer();
    if (offer !== undefined) {
      this.#due.delete(offer);
      offer.phase = "offered";
      this.#publish(offer, offer.file.sizeBytes, NONE);
      return;
    }
    const upload = this.#nextChunk();
    if (upload === undefined) return;
    if (this.#chunk?.upload !== upload || this.#chunk.offset !== upload.sentTo) {
      this.#read(upload, roomBytes);
      return;
    }
    const { offset, bytes } = this.#chunk;
    this.#chunk = undefined;
    upload.sentTo = offset + bytes.length;
    this.#publish(upload, offset, bytes);
  }

  #nextOffer(): BlobUpload | undefined {
    const offered = this.#sent.reduce((count, { endsAt }) => count + (endsAt === undefined ? 1 : 0), 0);
    if (offered >= (this.#probes > 0 ? 1 : MAX_OFFERS)) return undefined;
    return this.#due.ready(this.#nowMs);
  }

  #nextChunk(): BlobUpload | undefined {
    const upload = this.#open.find(({ isSent }) => !isSent);
    if (upload === undefined || this.#probes > 0) return undefined;
    const unanswered = this.#sent.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const windowBytes = Math.min(MAX_WINDOW_BYTES, (this.#options.rateBytesPerS() * WINDOW_MS) / 1000);
    return unanswered === 0 || unanswered < windowBytes ? upload : undefined;
  }

  #read(upload: BlobUpload, roomBytes: number): void {
    if (this.#pending !== undefined) return;
    this.#numbers += 1;
    this.#pending = { read: this.#numbers, upload, offset: upload.sentTo };
    const left = upload.file.sizeBytes - upload.sentTo;
    const maxBytes = Math.max(1, Math.min(left, MAX_BLOB_CHUNK_BYTES, Math.floor(roomBytes)));
    this.#out.push({ type: "read", read: this.#numbers, blob: upload.file.blob, offset: upload.sentTo, maxBytes });
  }

  #takeChunk(read: number, bytes: Uint8Array | undefined, code: string | undefined): void {
    const pending = this.#pending;
    if (pending?.read !== read) return;
    this.#pending = undefined;
    if (code !== undefined) this.#postpone(pending.upload, code);
    else if (bytes === undefined || bytes.length === 0) this.#giveUp(pending.upload, "gone");
    else this.#chunk = { upload: pending.upload, offset: pending.offset, bytes };
  }

  /** The file is there and could not be read: that may pass. */
  #postpone(upload: BlobUpload, code: string): void {
    upload.troubles += 1;
    if (upload.troubles >= MAX_TROUBLES) {
      this.#giveUp(upload, "damaged", code);
      return;
    }
    upload.notBeforeMs = this.#nowMs + TROUBLE_WAIT_MS;
    this.#requeue(upload);
  }

  #publish(upload: BlobUpload, offset: number, bytes: Uint8Array): void {
    this.#numbers += 1;
    const message = this.#numbers;
    const packet = encodeBlobMessage({ offset, bytes });
    const endsAt = bytes.length === 0 ? undefined : offset + bytes.length;
    if (this.#sent.length === 0) this.#quietSinceMs = this.#nowMs;
    this.#sent.push({ message, upload, endsAt, sizeBytes: bytes.length, sentAtMs: this.#nowMs });
    this.#onWire.set(message, packet.length);
    this.#out.push({ type: "publish", message, blob: upload.file.blob, isChunk: bytes.length > 0, bytes: packet });
  }

  // ---- silence ----

  get #silenceEndsAtMs(): number | undefined {
    if (this.#sent.length === 0) return undefined;
    const patienceMs = Math.max(MIN_WAIT_MS, 4 * this.#roundTripMs) * 2 ** this.#probes;
    return this.#quietSinceMs + Math.min(MAX_WAIT_MS, patienceMs);
  }

  /** No receipt for too long: all is offered anew, one file at a time until the bridge speaks again. */
  #endSilence(): void {
    const endsAtMs = this.#silenceEndsAtMs;
    if (endsAtMs === undefined || this.#nowMs < endsAtMs) return;
    this.#probes += 1;
    this.#quietSinceMs = this.#nowMs;
    const wire = new Map(this.#onWire);
    this.#restartAll();
    // What the broker has not taken is still on the line.
    for (const [message, sizeBytes] of wire) this.#onWire.set(message, sizeBytes);
  }

  #wake(): void {
    const times = [this.#silenceEndsAtMs, this.#due.wakeAtMs(this.#nowMs)].filter((time) => time !== undefined);
    const next = this.#epoch === undefined || times.length === 0 ? undefined : Math.ceil(Math.min(...times));
    if (next === this.#wakeAtMs) return;
    this.#wakeAtMs = next;
    if (next !== undefined) this.#out.push({ type: "wake", atMs: next });
  }
}
