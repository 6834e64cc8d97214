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
  const hasOurSalt = (at: number) => view.getUint32(at + 8) === salt[0] && view.getUint32(at + 12) === salt[1];
  for (let frame = 0; frame < frames; frame += 1) {
    const at = HEADER_BYTES + frame * frameBytes;
    const before = sum;
    sum = frameSum(view, at, pageBytes, before, isBig);
    const isWhole = sum[0] === view.getUint32(at + 16) && sum[1] === view.getUint32(at + 20);
    if (isWhole && hasOurSalt(at)) continue;
    let behind = 0;
    let commits = 0;
    for (let later = frame; later < frames; later += 1) {
      const start = HEADER_BYTES + later * frameBytes;
      // An old frame, from an earlier round of the log; one whose checksum goes on from ours only has a wrong salt, which no
      // checksum covers.
      if (!hasOurSalt(start) && !(isWhole && later === frame)) continue;
      behind += 1;
      if (view.getUint32(start + 4) > 0) commits += 1;
    }
    if (commits === 0 && behind > 0 && hadMark(view, at, pageBytes, before, isBig)) commits = 1;
    if (commits === 0) return undefined;
    return `frame ${frame + 1} of ${frames} is damaged: ${commits} commits in ${behind} frames from there on cannot be applied`;
  }
  return undefined;
}

/** Would the frame be whole with one more bit in what marks the end of a commit, its second word? */
function hadMark(view: DataView, at: number, pageBytes: number, before: readonly number[], isBig: boolean): boolean {
  const frame = new DataView(
    Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset + at, FRAME_HEADER_BYTES + pageBytes)).buffer,
  );
  const mark = view.getUint32(at + 4);
  for (let bit = 0; bit < 32; bit += 1) {
    frame.setUint32(4, mark ^ (1 << bit));
    const [first, second] = frameSum(frame, 0, pageBytes, before, isBig);
    if (first === view.getUint32(at + 16) && second === view.getUint32(at + 20)) return true;
  }
  return false;
}

function frameSum(view: DataView, at: number, pageBytes: number, before: readonly number[], isBig: boolean): number[] {
  return checksum(view, at + FRAME_HEADER_BYTES, pageBytes, checksum(view, at, 8, before, isBig), isBig);
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
