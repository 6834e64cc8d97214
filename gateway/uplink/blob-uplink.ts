import type { Sha256 } from "../../protocol/ids.ts";
import type { BlobReceipt } from "../../protocol/session.ts";
import type { BlobFiles } from "../contracts/evidence.ts";
import type { GatewayFaultPoints } from "../contracts/fault-points.ts";
import { codeOf } from "../contracts/gateway-error.ts";
import type { Logger } from "../contracts/logger.ts";
import { BlobSender } from "./blob-sender.ts";
import type { BlobCommand, BlobEvent } from "./blob-types.ts";
import type { LaneThree } from "./lane-three.ts";
import type { SenderEvent, SenderFacts } from "./sender-types.ts";

/**
 * A new file is offered this much later: its record goes ahead on lane 2, and where the record itself holds the bytes
 * (levels), the bridge answers the offer with `stored`.
 */
const NEW_FILE_WAITS_MS = 5_000;

export interface BlobUplinkOptions {
  readonly files: BlobFiles;
  readonly upMs: () => number;
  readonly log: Logger;
  /** Of the sender of records, which knows the line. */
  readonly facts: () => Pick<SenderFacts, "laneThreeBytes" | "rateBytesPerS">;
  /** To the sender of records. */
  readonly tell: (event: Extract<SenderEvent, { type: "chunk-sent" | "chunk-puback" }>) => void;
  /** To the broker, where there is a connection. */
  readonly publish: (blob: Sha256, bytes: Uint8Array, onTaken: () => void) => unknown;
  readonly faultPoints: GatewayFaultPoints;
}

/** Carries files to the bridge. All decisions are the BlobSender's; this gives it time, bytes and a connection. */
export class BlobUplink {
  readonly #options: BlobUplinkOptions;
  readonly #sender: BlobSender;
  #session = 0;
  #wake: NodeJS.Timeout | undefined;
  #isFeeding = false;
  #hasEnded = false;
  readonly #said = new Set<string>();

  constructor(options: BlobUplinkOptions) {
    this.#options = options;
    const { files, facts } = options;
    this.#sender = new BlobSender({
      roomBytes: () => facts().laneThreeBytes,
      rateBytesPerS: () => facts().rateBytesPerS,
    });
    files.onKept((file) => {
      this.#feed({ ...this.#at("file"), file, notBeforeMs: options.upMs() + NEW_FILE_WAITS_MS });
    });
    files.onGone((blob) => this.#feed({ ...this.#at("gone"), blob }));
    this.#later(files.kept(), (kept) => {
      for (const file of kept) this.#feed({ ...this.#at("file"), file });
    });
  }

  get laneThree(): LaneThree {
    return this.#sender;
  }

  get waitingFiles(): number {
    return this.#sender.waitingFiles;
  }

  answered(epoch: string): void {
    this.#feed({ ...this.#at("answered"), epoch });
  }

  disconnected(): void {
    this.#session += 1;
    this.#feed(this.#at("disconnected"));
  }

  receipt(receipt: BlobReceipt): void {
    if (receipt.stored !== undefined) this.#options.faultPoints.reach("gateway-after-blob-stored");
    this.#feed({ ...this.#at("receipt"), receipt });
  }

  /** The other lanes may have left room. */
  look(): void {
    if (!this.#isFeeding) this.#feed(this.#at("tick"));
  }

  close(): void {
    this.#hasEnded = true;
    clearTimeout(this.#wake);
  }

  #feed(event: BlobEvent): void {
    if (this.#hasEnded) return;
    this.#isFeeding = true;
    let commands = this.#sender.handle(event);
    for (;;) {
      for (const command of commands) this.#act(command);
      // One message at a time, each paid for before the next.
      if (!commands.some(({ type }) => type === "publish")) break;
      commands = this.#sender.handle(this.#at("tick"));
    }
    this.#isFeeding = false;
  }

  #act(command: BlobCommand): void {
    const { files, faultPoints } = this.#options;
    switch (command.type) {
      case "publish": {
        const session = this.#session;
        const { message, blob, bytes, isChunk } = command;
        this.#options.publish(blob, bytes, () => {
          if (session !== this.#session) return;
          this.#feed({ ...this.#at("puback"), message });
          this.#options.tell({ type: "chunk-puback", nowMs: this.#options.upMs(), id: message });
        });
        const { length: wireBytes } = bytes;
        this.#options.tell({ type: "chunk-sent", nowMs: this.#options.upMs(), id: message, wireBytes });
        if (isChunk) faultPoints.reach("gateway-after-chunk");
        return;
      }
      case "read": {
        const { read, blob, offset, maxBytes } = command;
        this.#later(
          files.read(blob, offset, maxBytes),
          (bytes) => this.#feed({ ...this.#at("chunk"), read, bytes }),
          (code) => this.#feed({ ...this.#at("chunk"), read, bytes: undefined, code }),
        );
        return;
      }
      case "check": {
        const { blob } = command;
        const checked = (isWhole: boolean) => this.#feed({ ...this.#at("checked"), blob, isWhole });
        // What cannot be looked at now is sent once more: the bridge looks at its hash.
        this.#later(files.isWhole(blob), checked, () => checked(true));
        return;
      }
      case "stored":
        this.#later(files.markStored(command.blob, command.epoch), () => {});
        return;
      case "give-up":
        this.#later(files.giveUp(command.blob, command.reason, command.code), () => {});
        return;
      case "wake":
        clearTimeout(this.#wake);
        this.#wake = setTimeout(
          () => this.#feed(this.#at("tick")),
          Math.max(0, Math.ceil(command.atMs - this.#options.upMs())),
        );
    }
  }

  #at<T extends BlobEvent["type"]>(type: T): { readonly type: T; readonly nowMs: number } {
    return { type, nowMs: this.#options.upMs() };
  }

  #later<T>(promise: Promise<T>, then: (value: T) => void, orElse: (code: string) => void = () => {}): void {
    promise
      .then(then, (error: unknown) => {
        orElse(codeOf(error));
        throw error;
      })
      .catch((error: unknown) => {
        const code = codeOf(error);
        if (this.#hasEnded || this.#said.has(code)) return;
        this.#said.add(code);
        this.#options.log.error({ code, error: String(error) }, "evidence file could not be handled");
      });
  }
}
