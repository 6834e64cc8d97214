import { type BlobMessage, MAX_BLOB_BYTES } from "../../protocol/blob.ts";
import type { Sha256 } from "../../protocol/ids.ts";
import type { BlobReceipt } from "../../protocol/session.ts";

/** `partial`: some of it is here · `stored`: all of it, with its hash · `refused`: never to be sent again · `gone`: was stored. */
export type BlobState = "partial" | "stored" | "refused" | "gone";

export interface KnownBlob {
  readonly sizeBytes: number;
  readonly state: BlobState;
  /** How often what was put together had another hash. */
  readonly restarts: number;
  readonly code?: string;
}

export type BlobAnswer = Pick<BlobReceipt, "next" | "stored" | "restart" | "refused" | "offer" | "waitMs">;

/** What to do with a message of a blob, and what to say when it is done. */
export type BlobVerdict =
  | { readonly act: "answer"; readonly answer: BlobAnswer }
  /** Of so many bytes, from the start: if there is room. */
  | { readonly act: "begin"; readonly sizeBytes: number }
  /** These of the message's bytes follow what is here. */
  | { readonly act: "append"; readonly from: number; readonly to: number }
  /** All bytes are here: look at their hash. */
  | { readonly act: "complete" };

export const BLOB_TOO_LARGE = "BLOB_TOO_LARGE";
export const BLOB_HASH = "BLOB_HASH";

/**
 * The whole of the bridge's half of an upload, without its disk.
 * @param lengthBytes what is here of a partial one
 * @param isInline a committed record holds these very bytes
 */
export function judgeBlob(
  blob: Sha256,
  known: KnownBlob | undefined,
  lengthBytes: number,
  { offset, bytes }: BlobMessage,
  isInline: boolean,
): BlobVerdict {
  if (known?.state === "stored" || isInline) return answer({ stored: blob });
  if (known?.state === "refused") return answer({ refused: known.code ?? BLOB_HASH });
  const isOffer = bytes.length === 0;
  if (known === undefined || known.state === "gone") {
    if (!isOffer) return answer({ offer: true });
    return offset > MAX_BLOB_BYTES ? answer({ refused: BLOB_TOO_LARGE }) : { act: "begin", sizeBytes: offset };
  }
  if (isOffer && offset !== known.sizeBytes) {
    return offset > MAX_BLOB_BYTES ? answer({ refused: BLOB_TOO_LARGE }) : { act: "begin", sizeBytes: offset };
  }
  if (lengthBytes >= known.sizeBytes) return { act: "complete" };
  if (isOffer) return answer({ next: lengthBytes });
  const from = lengthBytes - offset;
  const to = Math.min(bytes.length, known.sizeBytes - offset);
  return from < 0 || from >= to ? answer({ next: lengthBytes }) : { act: "append", from, to };
}

/** All bytes are here, with this hash. The first mistake may be the line's or a power cut's; the second is the file's. */
export function judgeHash(blob: Sha256, found: Sha256, known: KnownBlob): BlobAnswer {
  if (found === blob) return { stored: blob };
  return known.restarts === 0 ? { restart: true } : { refused: BLOB_HASH };
}

function answer(said: BlobAnswer): BlobVerdict {
  return { act: "answer", answer: said };
}
