import { type Box, boxesIn, findBox, viewOf } from "./box.ts";
import { BoxStream } from "./box-stream.ts";
import { changesFormat, type MediaHeader, readMediaHeader } from "./media-header.ts";

/** Half a second of video, or up to the next whole picture; may be decoded from its start where it `isKey`. */
export interface Fragment {
  /** `moof` and `mdat`. */
  readonly bytes: Uint8Array;
  /** Media time of its start and its end, ms. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly pictures: number;
  readonly isKey: boolean;
  /** It brings pictures of another size or kind than the header said: the header no longer fits. */
  readonly changesFormat: boolean;
}

export interface FragmentSink {
  header(header: MediaHeader): void;
  fragment(fragment: Fragment): void;
}

const NON_SYNC = 0x10000;

/** Fragments out of a stream of fragmented MP4, as ffmpeg writes it. @source ISO/IEC 14496-12:2015 §8.8 */
export class FragmentReader {
  readonly #boxes = new BoxStream();
  readonly #sink: FragmentSink;
  #ftyp: Uint8Array = new Uint8Array();
  #header: MediaHeader | undefined;
  #moof: Box | undefined;

  constructor(sink: FragmentSink) {
    this.#sink = sink;
  }

  /** @throws GatewayError CAPTURE_STREAM */
  push(chunk: Uint8Array): void {
    for (const box of this.#boxes.push(chunk)) this.#take(box);
  }

  #take(box: Box): void {
    if (box.type === "ftyp") this.#ftyp = box.bytes.slice();
    else if (box.type === "moof") this.#moof = box;
    else if (box.type === "moov") {
      this.#header = readMediaHeader(this.#ftyp, box);
      if (this.#header !== undefined) this.#sink.header(this.#header);
    } else if (box.type === "mdat" && this.#moof !== undefined && this.#header !== undefined) {
      const fragment = readFragment(this.#header, this.#moof, box.bytes);
      this.#moof = undefined;
      if (fragment !== undefined) this.#sink.fragment(fragment);
    }
  }
}

/** @returns undefined for one without video */
function readFragment(header: MediaHeader, moof: Box, mdat: Uint8Array): Fragment | undefined {
  for (const traf of boxesIn(moof.bytes, moof.content)) {
    if (traf.type !== "traf") continue;
    const defaults = readDefaults(header, traf);
    if (defaults === undefined) continue;
    const run = readRun(traf, defaults);
    if (run === undefined || run.samples === 0) continue;
    const bytes = Buffer.concat([moof.bytes, mdat]);
    const isKey = (run.firstFlags & NON_SYNC) === 0;
    const first = bytes.subarray(run.dataOffset, run.dataOffset + run.firstBytes);
    return {
      bytes,
      fromMs: (defaults.decodeTime * 1000) / header.timescale,
      toMs: ((defaults.decodeTime + run.duration) * 1000) / header.timescale,
      pictures: run.samples,
      isKey,
      changesFormat: isKey && changesFormat(header, first),
    };
  }
  return undefined;
}

interface Defaults {
  readonly decodeTime: number;
  readonly duration: number;
  readonly flags: number;
  readonly sizeBytes: number;
}

function readDefaults(header: MediaHeader, traf: Box): Defaults | undefined {
  const tfhd = findBox(traf.bytes, ["tfhd"], traf.content);
  const tfdt = findBox(traf.bytes, ["tfdt"], traf.content);
  if (tfhd === undefined || tfdt === undefined) return undefined;
  const view = viewOf(tfhd.bytes);
  const present = view.getUint32(tfhd.content) & 0xff_ffff;
  if (view.getUint32(tfhd.content + 4) !== header.trackId) return undefined;
  let at = tfhd.content + 8;
  const next = (flag: number, sizeBytes: number): number | undefined => {
    if ((present & flag) === 0) return undefined;
    at += sizeBytes;
    return view.getUint32(at - 4);
  };
  next(0x1, 8);
  next(0x2, 4);
  const duration = next(0x8, 4) ?? header.defaultDuration;
  const sizeBytes = next(0x10, 4) ?? 0;
  const flags = next(0x20, 4) ?? header.defaultFlags;
  const time = viewOf(tfdt.bytes);
  const isLong = tfdt.bytes[tfdt.content] === 1;
  const decodeTime = isLong ? Number(time.getBigUint64(tfdt.content + 4)) : time.getUint32(tfdt.content + 4);
  return { decodeTime, duration, flags, sizeBytes };
}

interface Run {
  readonly samples: number;
  readonly duration: number;
  readonly dataOffset: number;
  readonly firstFlags: number;
  readonly firstBytes: number;
}

function readRun(traf: Box, defaults: Defaults): Run | undefined {
  const trun = findBox(traf.bytes, ["trun"], traf.content);
  if (trun === undefined) return undefined;
  const view = viewOf(trun.bytes);
  const present = view.getUint32(trun.content) & 0xff_ffff;
  const samples = view.getUint32(trun.content + 4);
  let at = trun.content + 8;
  const next = (flag: number): number | undefined => {
    if ((present & flag) === 0 || at + 4 > trun.bytes.length) return undefined;
    at += 4;
    return view.getUint32(at - 4);
  };
  const dataOffset = next(0x1) ?? 0;
  let firstFlags = next(0x4);
  let firstBytes: number | undefined;
  let duration = 0;
  for (let sample = 0; sample < samples; sample++) {
    duration += next(0x100) ?? defaults.duration;
    const sizeBytes = next(0x200) ?? defaults.sizeBytes;
    const flags = next(0x400) ?? defaults.flags;
    next(0x800);
    firstBytes ??= sizeBytes;
    firstFlags ??= flags;
  }
  return { samples, duration, dataOffset, firstFlags: firstFlags ?? defaults.flags, firstBytes: firstBytes ?? 0 };
}
