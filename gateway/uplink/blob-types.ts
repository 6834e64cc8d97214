import type { EvidenceLostBody } from "../../protocol/evidence.ts";
import type { Sha256 } from "../../protocol/ids.ts";
import type { BlobReceipt } from "../../protocol/session.ts";
import type { KeptFile } from "../contracts/evidence.ts";

/** `nowMs` is monotonic. Every `read` must be answered with `chunk`, and every `check` with `checked`. */
export type BlobEvent = { readonly nowMs: number } & (
  | { readonly type: "file"; readonly file: KeptFile; readonly notBeforeMs?: number }
  | { readonly type: "gone"; readonly blob: Sha256 }
  | { readonly type: "disconnected" }
  | {
      /** The bridge has answered all of this session's hello. */
      readonly type: "answered";
      readonly epoch: string;
    }
  | { readonly type: "receipt"; readonly receipt: BlobReceipt }
  | {
      /** The broker took a message: it is off the wire, which proves nothing. */
      readonly type: "puback";
      readonly message: number;
    }
  | {
      /** Answer to `read`; no bytes when the file is gone or shorter than it was, or cannot be read now, as `code` says. */
      readonly type: "chunk";
      readonly read: number;
      readonly bytes: Uint8Array | undefined;
      readonly code?: string;
    }
  | { readonly type: "checked"; readonly blob: Sha256; readonly isWhole: boolean }
  | { readonly type: "tick" }
);

export type BlobCommand =
  | {
      readonly type: "publish";
      readonly message: number;
      readonly blob: Sha256;
      readonly isChunk: boolean;
      readonly bytes: Uint8Array;
    }
  | {
      readonly type: "read";
      readonly read: number;
      readonly blob: Sha256;
      readonly offset: number;
      readonly maxBytes: number;
    }
  | { readonly type: "check"; readonly blob: Sha256 }
  | { readonly type: "stored"; readonly blob: Sha256; readonly epoch: string }
  | {
      readonly type: "give-up";
      readonly blob: Sha256;
      readonly reason: EvidenceLostBody["reason"];
      readonly code?: string;
    }
  | {
      /** Send `tick` at this time; replaces an earlier wake. */
      readonly type: "wake";
      readonly atMs: number;
    };

/** After a `publish`, send `tick`: the machine sends one message at a time. */
export interface BlobSenderOptions {
  /** Largest message that lane 3 may put on the line now; the sender of records says so. */
  readonly roomBytes: () => number;
  /** What the line carries. */
  readonly rateBytesPerS: () => number;
}
