/**
 * Live video as it goes from a camera's node to whoever looks: messages of fragmented MP4, on `live/<camera>` in parts as
 * small as the line wants them, over HTTP and WebSocket whole. Never journaled.
 *
 * `header`: one byte of length, the codecs as a browser wants to hear them (RFC 6381), `ftyp` and `moov`. `fragment`: `moof`
 * and `mdat`. `none`: JSON `{code}`, why there is no video now.
 */
export type LiveVideoKind = "header" | "fragment" | "none";

export interface LiveMessage {
  readonly kind: LiveVideoKind;
  /** One more than that of the message before: a gap means that pictures are missing up to the next whole one. */
  readonly seq: number;
  /** UTC of the node when it had the last byte, ms. */
  readonly atMs: number;
  /** A fragment that can be shown without those before it. */
  readonly isKey: boolean;
  readonly body: Uint8Array;
}

/** Why no video comes. `LIVE_CODEC` is said at the box, where there is MPEG-1, and by nodes of earlier versions. */
export type LiveNoneCode = "LIVE_AWAY" | "LIVE_CODEC" | "LIVE_ENCODER";

/** Longer ones are no half second of any camera's video. */
export const MAX_LIVE_MESSAGE_BYTES = 4 * 1024 * 1024;
export const LIVE_HEAD_BYTES = 28;

const MAGIC = [0x53, 0x48, 0x56, 0x31] as const;
const KINDS: readonly LiveVideoKind[] = ["header", "fragment", "none"];

/** One message, or the part of it that begins at `offset`: `SHV1`, kind, key, seq, UTC, offset, length of all, bytes. */
export function encodeLivePart(message: LiveMessage, offset = 0, maxBytes = Number.POSITIVE_INFINITY): Uint8Array {
  const { kind, seq, atMs, isKey, body } = message;
  const part = body.subarray(offset, offset + Math.max(1, maxBytes - LIVE_HEAD_BYTES));
  const bytes = new Uint8Array(LIVE_HEAD_BYTES + part.length);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint8(4, KINDS.indexOf(kind));
  view.setUint8(5, isKey ? 1 : 0);
  view.setUint32(8, seq);
  view.setBigUint64(12, BigInt(Math.max(0, Math.round(atMs))));
  view.setUint32(20, offset);
  view.setUint32(24, body.length);
  bytes.set(part, LIVE_HEAD_BYTES);
  return bytes;
}

export interface LivePart extends Omit<LiveMessage, "body"> {
  readonly offset: number;
  readonly totalBytes: number;
  readonly bytes: Uint8Array;
}

/** @returns undefined for what is none */
export function decodeLivePart(bytes: Uint8Array): LivePart | undefined {
  if (bytes.length < LIVE_HEAD_BYTES || MAGIC.some((value, at) => bytes[at] !== value)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const kind = KINDS[view.getUint8(4)];
  const atMs = Number(view.getBigUint64(12));
  const offset = view.getUint32(20);
  const totalBytes = view.getUint32(24);
  const part = bytes.subarray(LIVE_HEAD_BYTES);
  if (kind === undefined || !Number.isSafeInteger(atMs) || totalBytes > MAX_LIVE_MESSAGE_BYTES) return undefined;
  if (offset + part.length > totalBytes || (part.length === 0 && totalBytes > 0)) return undefined;
  return { kind, seq: view.getUint32(8), atMs, isKey: view.getUint8(5) === 1, offset, totalBytes, bytes: part };
}

/** Messages out of parts that come in order; one of which a part was lost does not come. */
export class LiveAssembler {
  #open: { readonly head: LivePart; readonly body: Uint8Array; filled: number } | undefined;

  /** @returns the message that this part completes */
  push(part: LivePart): LiveMessage | undefined {
    if (part.offset === 0) this.#open = { head: part, body: new Uint8Array(part.totalBytes), filled: 0 };
    const open = this.#open;
    if (open === undefined) return undefined;
    if (open.head.seq !== part.seq || open.filled !== part.offset || open.body.length !== part.totalBytes) {
      this.#open = undefined;
      return undefined;
    }
    open.body.set(part.bytes, part.offset);
    open.filled += part.bytes.length;
    if (open.filled < open.body.length) return undefined;
    this.#open = undefined;
    const { kind, seq, atMs, isKey } = open.head;
    return { kind, seq, atMs, isKey, body: open.body };
  }
}

/** What one viewer may be given: a header first, then from a whole picture on, and after a gap from the next one. */
export class LiveGate {
  #nextSeq: number | undefined;
  #isBroken = true;

  /** @param hasRoom whether this viewer keeps up. One that does not gets nothing until a whole picture comes. */
  admits({ kind, seq, isKey }: Pick<LiveMessage, "kind" | "seq" | "isKey">, hasRoom: boolean): boolean {
    if (kind !== "fragment") {
      this.#isBroken = true;
      return true;
    }
    const isNext = this.#nextSeq === undefined || seq === this.#nextSeq;
    this.#nextSeq = seq + 1;
    if (!isNext || !hasRoom) this.#isBroken = true;
    if (!hasRoom || (this.#isBroken && !isKey)) return false;
    this.#isBroken = false;
    return true;
  }
}

export function headerBody(codecs: string, mp4: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(codecs);
  const body = new Uint8Array(1 + name.length + mp4.length);
  body[0] = name.length;
  body.set(name, 1);
  body.set(mp4, 1 + name.length);
  return body;
}
