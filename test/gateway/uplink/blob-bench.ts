import { createHash } from "node:crypto";
import { type BlobAnswer, judgeBlob, judgeHash, type KnownBlob } from "../../../cloud-bridge/evidence/blob-verdict.ts";
import type { KeptFile } from "../../../gateway/contracts/evidence.ts";
import { BlobSender } from "../../../gateway/uplink/blob-sender.ts";
import type { BlobCommand, BlobEvent } from "../../../gateway/uplink/blob-types.ts";
import { type BlobMessage, decodeBlobMessage } from "../../../protocol/blob.ts";
import type { BlobReceipt } from "../../../protocol/session.ts";

type EventOf<T extends BlobEvent["type"]> = Omit<Extract<BlobEvent, { type: T }>, "nowMs" | "type">;

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The bridge's verdicts over a disk in memory. A crash keeps what was synced, whole files and rows. */
export class MemoryBlobBridge {
  epoch = "e1";
  readonly rows = new Map<string, KnownBlob>();
  readonly parts = new Map<string, Uint8Array>();
  readonly files = new Map<string, Uint8Array>();
  /** Spoils what is put together, so many times. */
  spoils = 0;

  take(blob: string, message: BlobMessage): BlobAnswer {
    const row = this.rows.get(blob);
    const part = this.parts.get(blob) ?? new Uint8Array();
    const verdict = judgeBlob(blob, row, part.length, message, false);
    if (verdict.act === "answer") return verdict.answer;
    if (verdict.act === "begin") {
      this.rows.set(blob, { sizeBytes: verdict.sizeBytes, state: "partial", restarts: row?.restarts ?? 0 });
      this.parts.set(blob, new Uint8Array());
      return verdict.sizeBytes === 0 ? this.#complete(blob) : { next: 0 };
    }
    if (verdict.act === "append") {
      const grown = Buffer.concat([part, message.bytes.subarray(verdict.from, verdict.to)]);
      this.parts.set(blob, grown);
      if (grown.length < (row?.sizeBytes ?? 0)) return { next: grown.length };
    }
    return this.#complete(blob);
  }

  #complete(blob: string): BlobAnswer {
    const row = this.rows.get(blob) ?? { sizeBytes: 0, state: "partial", restarts: 0 };
    const bytes = this.parts.get(blob) ?? new Uint8Array();
    const isSpoilt = this.spoils > 0;
    if (isSpoilt) this.spoils -= 1;
    const answer = judgeHash(blob, isSpoilt ? "0".repeat(64) : sha256(bytes), row);
    if (answer.stored !== undefined) {
      this.files.set(blob, bytes);
      this.rows.set(blob, { ...row, state: "stored" });
    } else if (answer.restart === true) {
      this.rows.set(blob, { ...row, restarts: row.restarts + 1 });
    } else this.rows.set(blob, { ...row, state: "refused", code: answer.refused ?? "" });
    this.parts.delete(blob);
    return answer;
  }

  /** @param kept how much of each partial file was on the disk, 0 to 1 */
  crash(kept: number): void {
    for (const [blob, part] of this.parts) this.parts.set(blob, part.subarray(0, Math.floor(part.length * kept)));
    this.epoch = `${this.epoch}'`;
  }
}

/** A blob sender with files in memory, a virtual clock and a line that the test turns by hand. */
export class BlobBench {
  readonly bridge = new MemoryBlobBridge();
  readonly disk = new Map<string, Uint8Array>();
  /** So many reads fail, though the file is there. */
  readTroubles = 0;
  readonly cards = new Map<string, KeptFile>();
  readonly stored: { readonly blob: string; readonly epoch: string }[] = [];
  readonly givenUp: { readonly blob: string; readonly reason: string; readonly code: string | undefined }[] = [];
  readonly published: { readonly atMs: number; readonly blob: string; readonly message: BlobMessage }[] = [];
  sender: BlobSender;
  rateBytesPerS = 8000;
  roomBytes: number | undefined;
  nowMs = 0;
  wakeAtMs: number | undefined;
  /** On their way, in order. */
  up: { readonly message: number; readonly blob: string; readonly bytes: Uint8Array }[] = [];
  down: BlobReceipt[] = [];

  constructor() {
    this.sender = this.#newSender();
  }

  keep(bytes: Uint8Array, type: KeptFile["type"] = "clip"): string {
    const blob = sha256(bytes);
    this.disk.set(blob, bytes);
    const file: KeptFile = { blob, sizeBytes: bytes.length, type, takenAtMs: this.cards.size };
    this.cards.set(blob, file);
    this.send("file", { file });
    return blob;
  }

  send<T extends BlobEvent["type"]>(type: T, event: EventOf<T>): void {
    let commands = this.sender.handle({ type, nowMs: this.nowMs, ...event } as unknown as BlobEvent);
    for (;;) {
      for (const command of commands) this.#act(command);
      if (!commands.some((command) => command.type === "publish")) return;
      commands = this.sender.handle({ type: "tick", nowMs: this.nowMs });
    }
  }

  connect(): void {
    this.send("answered", { epoch: this.bridge.epoch });
  }

  cut(): void {
    this.up = [];
    this.down = [];
    this.send("disconnected", {});
  }

  /** The process of the node dies: what its disk holds comes back. */
  restart(): void {
    this.up = [];
    this.down = [];
    this.wakeAtMs = undefined;
    this.sender = this.#newSender();
    for (const file of this.cards.values()) this.send("file", { file });
  }

  /** The bridge takes one message; its answer is on its way. @param isLost the bridge stumbles over it and says nothing */
  takeOne(isLost = false): void {
    const first = this.up.shift();
    if (first === undefined) return;
    const message = decodeBlobMessage(first.bytes);
    if (message === undefined) throw new Error("not a message of this contract");
    if (!isLost) {
      const { epoch } = this.bridge;
      const answer = this.bridge.take(first.blob, message);
      this.down.push({ v: 1, type: "blob", bridge: "b", epoch, blob: first.blob, ...answer });
    }
    this.send("puback", { message: first.message });
  }

  answerOne(): void {
    const receipt = this.down.shift();
    if (receipt !== undefined) this.send("receipt", { receipt });
  }

  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let turns = 0; this.wakeAtMs !== undefined && this.wakeAtMs <= endMs; turns += 1) {
      if (turns > 10_000) throw new Error("the sender never sleeps");
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
      this.wakeAtMs = undefined;
      this.send("tick", {});
    }
    this.nowMs = endMs;
  }

  /** Everything flows until nothing moves. @returns false when it has not come to rest in time */
  drain(withinMs = 3_600_000): boolean {
    const endMs = this.nowMs + withinMs;
    while (this.nowMs < endMs) {
      if (this.up.length > 0) this.takeOne();
      else if (this.down.length > 0) this.answerOne();
      else if (this.sender.waitingFiles === 0) return true;
      else this.pass(1000);
    }
    return false;
  }

  #newSender(): BlobSender {
    return new BlobSender({
      roomBytes: () => this.roomBytes ?? (this.sender.wireBytes > this.rateBytesPerS / 2 ? 0 : this.rateBytesPerS / 4),
      rateBytesPerS: () => this.rateBytesPerS,
    });
  }

  #act(command: BlobCommand): void {
    switch (command.type) {
      case "publish": {
        const message = decodeBlobMessage(command.bytes);
        if (message === undefined) throw new Error("not a message of this contract");
        this.published.push({ atMs: this.nowMs, blob: command.blob, message });
        this.up.push(command);
        return;
      }
      case "read": {
        if (this.readTroubles > 0) {
          this.readTroubles -= 1;
          this.send("chunk", { read: command.read, bytes: undefined, code: "EMFILE" });
          return;
        }
        const bytes = this.disk.get(command.blob)?.subarray(command.offset, command.offset + command.maxBytes);
        this.send("chunk", { read: command.read, bytes });
        return;
      }
      case "check": {
        const bytes = this.disk.get(command.blob);
        this.send("checked", { blob: command.blob, isWhole: bytes !== undefined && sha256(bytes) === command.blob });
        return;
      }
      case "stored": {
        const card = this.cards.get(command.blob);
        if (card !== undefined) this.cards.set(command.blob, { ...card, storedEpoch: command.epoch });
        this.stored.push(command);
        return;
      }
      case "give-up":
        this.cards.delete(command.blob);
        this.givenUp.push({ blob: command.blob, reason: command.reason, code: command.code });
        return;
      case "wake":
        this.wakeAtMs = command.atMs;
    }
  }
}
