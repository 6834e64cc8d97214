import { type Box, boxesIn, findBox, typeAt, viewOf } from "./box.ts";

export type VideoCodec = "h264" | "h265" | "other";

/** What a movie header says of the video in the fragments after it. */
export interface MediaHeader {
  /** `ftyp` and `moov`. */
  readonly bytes: Uint8Array;
  readonly trackId: number;
  readonly timescale: number;
  readonly codec: VideoCodec;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly hasSound: boolean;
  /** Bytes of the length before each NAL unit. */
  readonly lengthBytes: number;
  /** The sequence parameter set out of band; another one in the stream means another picture format. */
  readonly parameterSet: Uint8Array | undefined;
  readonly defaultDuration: number;
  readonly defaultFlags: number;
}

/** @returns undefined where there is no video */
export function readMediaHeader(ftyp: Uint8Array, moov: Box): MediaHeader | undefined {
  const tracks = [...boxesIn(moov.bytes, moov.content)].filter(({ type }) => type === "trak");
  const handlerOf = (track: Box) => {
    const box = findBox(track.bytes, ["mdia", "hdlr"], track.content);
    return box === undefined ? "" : typeAt(box.bytes, box.content + 8);
  };
  const video = tracks.find((track) => handlerOf(track) === "vide");
  if (video === undefined) return undefined;
  const trackId = trackIdOf(video);
  const entry = sampleEntry(video);
  const trex = [...boxesIn(moov.bytes, moov.content)]
    .filter(({ type }) => type === "mvex")
    .flatMap((mvex) => [...boxesIn(mvex.bytes, mvex.content)])
    .find((box) => box.type === "trex" && viewOf(box.bytes).getUint32(box.content + 4) === trackId);
  const number = (at: number) => (trex === undefined ? 0 : viewOf(trex.bytes).getUint32(trex.content + at));
  return {
    bytes: Buffer.concat([ftyp, moov.bytes]),
    trackId,
    timescale: timescaleOf(video),
    ...entry,
    hasSound: tracks.some((track) => handlerOf(track) === "soun"),
    defaultDuration: number(12),
    defaultFlags: number(20),
  };
}

function trackIdOf(track: Box): number {
  const box = findBox(track.bytes, ["tkhd"], track.content);
  if (box === undefined) return 0;
  return viewOf(box.bytes).getUint32(box.content + (box.bytes[box.content] === 1 ? 20 : 12));
}

function timescaleOf(track: Box): number {
  const box = findBox(track.bytes, ["mdia", "mdhd"], track.content);
  if (box === undefined) return 1;
  return viewOf(box.bytes).getUint32(box.content + (box.bytes[box.content] === 1 ? 20 : 12));
}

type Entry = Pick<MediaHeader, "codec" | "widthPx" | "heightPx" | "lengthBytes" | "parameterSet">;

/** @source ISO/IEC 14496-12 §8.5.2 (stsd, VisualSampleEntry), 14496-15 §5.3.3 (avcC) and §8.3.3 (hvcC) */
function sampleEntry(track: Box): Entry {
  const none: Entry = { codec: "other", widthPx: 0, heightPx: 0, lengthBytes: 0, parameterSet: undefined };
  const stsd = findBox(track.bytes, ["mdia", "minf", "stbl", "stsd"], track.content);
  const [entry] = stsd === undefined ? [] : boxesIn(stsd.bytes, stsd.content + 8);
  if (entry === undefined) return none;
  const view = viewOf(entry.bytes);
  const size = { widthPx: view.getUint16(entry.content + 24), heightPx: view.getUint16(entry.content + 26) };
  for (const { type, bytes, content } of boxesIn(entry.bytes, entry.content + 78)) {
    const config = bytes.subarray(content);
    if (type === "avcC") {
      return { ...none, ...size, codec: "h264", lengthBytes: ((config[4] ?? 3) & 3) + 1, parameterSet: avcSet(config) };
    }
    if (type === "hvcC") {
      return {
        ...none,
        ...size,
        codec: "h265",
        lengthBytes: ((config[21] ?? 3) & 3) + 1,
        parameterSet: hevcSet(config),
      };
    }
  }
  return { ...none, ...size };
}

function avcSet(config: Uint8Array): Uint8Array | undefined {
  if (((config[5] ?? 0) & 31) === 0) return undefined;
  const length = ((config[6] ?? 0) << 8) | (config[7] ?? 0);
  return config.subarray(8, 8 + length);
}

function hevcSet(config: Uint8Array): Uint8Array | undefined {
  const view = viewOf(config);
  let at = 23;
  for (let array = 0; array < (config[22] ?? 0) && at + 3 <= config.length; array++) {
    const isSet = ((config[at] ?? 0) & 63) === HEVC_SPS;
    const count = view.getUint16(at + 1);
    at += 3;
    for (let nal = 0; nal < count && at + 2 <= config.length; nal++) {
      const length = view.getUint16(at);
      if (isSet) return config.subarray(at + 2, at + 2 + length);
      at += 2 + length;
    }
  }
  return undefined;
}

const H264_SPS = 7;
const HEVC_SPS = 33;

/** Whether the NAL units of a sample bring a sequence parameter set unlike that of the header. */
export function changesFormat(header: MediaHeader, sample: Uint8Array): boolean {
  const { codec, lengthBytes, parameterSet } = header;
  if (parameterSet === undefined || lengthBytes === 0) return false;
  let at = 0;
  while (at + lengthBytes < sample.length) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (sample[at + i] ?? 0);
    const nal = sample.subarray(at + lengthBytes, at + lengthBytes + length);
    const first = nal[0] ?? 0;
    const isSet = codec === "h264" ? (first & 31) === H264_SPS : ((first >> 1) & 63) === HEVC_SPS;
    if (isSet) return Buffer.compare(nal, parameterSet) !== 0;
    // Parameter sets stand before the first slice.
    if (codec === "h264" ? (first & 31) <= 5 : ((first >> 1) & 63) < 32) return false;
    at += lengthBytes + length;
  }
  return false;
}
