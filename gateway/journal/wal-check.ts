const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC_LITTLE = 0x377f0682;
const MAGIC_BIG = 0x377f0683;

/**
 * Looks for damage in a write-ahead log that SQLite would pass over in silence: after the first frame whose checksum is wrong
 * it takes nothing more, whole commits behind it included. A torn end is no fault: that commit was never acknowledged. A last
 * frame that ends a commit and is wrong may be either, and is told.
 * @returns what is wrong, in words; undefined where all is well
 * @source SQLite, "The WAL File Format"
 */
export function walFault(log: Uint8Array): string | undefined {
  if (log.length < HEADER_BYTES) return undefined;
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const magic = view.getUint32(0);
  if (magic !== MAGIC_LITTLE && magic !== MAGIC_BIG) return "its header is damaged: nothing in it can be applied";
  const isBig = magic === MAGIC_BIG;
  const pageBytes = view.getUint32(8);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const salt = [view.getUint32(16), view.getUint32(20)];
  let sum = checksum(view, 0, 24, [0, 0], isBig);
  if (sum[0] !== view.getUint32(24) || sum[1] !== view.getUint32(28)) {
    return "its header is damaged: nothing in it can be applied";
  }
  const frames = Math.floor((log.length - HEADER_BYTES) / frameBytes);
  const isOurs = (frame: number) => {
    const at = HEADER_BYTES + frame * frameBytes;
    return view.getUint32(at + 8) === salt[0] && view.getUint32(at + 12) === salt[1];
  };
  for (let frame = 0; frame < frames; frame += 1) {
    const at = HEADER_BYTES + frame * frameBytes;
    const before = sum;
    sum = checksum(view, at, 8, before, isBig);
    sum = checksum(view, at + FRAME_HEADER_BYTES, pageBytes, sum, isBig);
    if (isOurs(frame) && sum[0] === view.getUint32(at + 16) && sum[1] === view.getUint32(at + 20)) continue;
    let behind = 0;
    let commits = 0;
    for (let later = frame; later < frames && isOurs(later); later += 1) {
      behind += 1;
      if (view.getUint32(HEADER_BYTES + later * frameBytes + 4) > 0) commits += 1;
    }
    if (commits === 0) return undefined;
    return `frame ${frame + 1} of ${frames} is damaged: ${commits} commits in ${behind} frames from there on cannot be applied`;
  }
  return undefined;
}

function checksum(view: DataView, from: number, length: number, [a, b]: readonly number[], isBig: boolean): number[] {
  let first = a ?? 0;
  let second = b ?? 0;
  for (let at = from; at < from + length; at += 8) {
    first = (first + view.getUint32(at, !isBig) + second) >>> 0;
    second = (second + view.getUint32(at + 4, !isBig) + first) >>> 0;
  }
  return [first, second];
}
