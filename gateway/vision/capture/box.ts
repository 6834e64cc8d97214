/** One box of an MP4, and where its content lies in its bytes. @source ISO/IEC 14496-12:2015 §4.2 */
export interface Box {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Where the content begins. */
  readonly content: number;
}

/** The boxes that lie in `bytes` from `from` on; what is cut short ends the list. */
export function* boxesIn(bytes: Uint8Array, from = 0): Generator<Box> {
  let at = from;
  const view = viewOf(bytes);
  while (at + 8 <= bytes.length) {
    const sizeBytes = view.getUint32(at);
    if (sizeBytes < 8 || at + sizeBytes > bytes.length) return;
    yield { type: typeAt(bytes, at + 4), bytes: bytes.subarray(at, at + sizeBytes), content: 8 };
    at += sizeBytes;
  }
}

/** The first box along a path of types. @param skip bytes of content before the children, by type */
export function findBox(bytes: Uint8Array, path: readonly string[], from = 0): Box | undefined {
  const [type, ...rest] = path;
  for (const box of boxesIn(bytes, from)) {
    if (box.type !== type) continue;
    return rest.length === 0 ? box : findBox(box.bytes, rest, box.content);
  }
  return undefined;
}

export function typeAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
