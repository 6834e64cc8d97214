/** How a picture is coded. */
export type VideoCodec = "h264" | "h265";

/** One picture: its NAL units without start codes. */
export interface AccessUnit {
  readonly nals: readonly Uint8Array[];
  readonly isKey: boolean;
}

/** NAL units of a byte stream. @source ITU-T H.264 Annex B; H.265 Annex B is the same */
export function nalUnits(stream: Uint8Array): readonly Uint8Array[] {
  const starts: { readonly code: number; readonly nal: number }[] = [];
  for (let at = 0; at + 3 <= stream.length; at++) {
    if (stream[at] !== 0 || stream[at + 1] !== 0 || stream[at + 2] !== 1) continue;
    starts.push({ code: at > 0 && stream[at - 1] === 0 ? at - 1 : at, nal: at + 3 });
    at += 2;
  }
  return starts.map(({ nal }, index) => stream.subarray(nal, starts[index + 1]?.code ?? stream.length));
}

/** Pictures of a byte stream, each with the parameter sets before it. One slice a picture is not asked. */
export function accessUnits(stream: Uint8Array, codec: VideoCodec): readonly AccessUnit[] {
  const units: { nals: Uint8Array[]; isKey: boolean; hasSlice: boolean }[] = [];
  for (const nal of nalUnits(stream)) {
    const kind = nalKind(nal, codec);
    const last = units.at(-1);
    const begins =
      last === undefined || (last.hasSlice && (kind !== "slice" && kind !== "key" ? true : isFirstSlice(nal, codec)));
    const unit = begins ? { nals: [], isKey: false, hasSlice: false } : last;
    if (begins) units.push(unit);
    unit.nals.push(nal);
    unit.isKey ||= kind === "key";
    unit.hasSlice ||= kind === "slice" || kind === "key";
  }
  return units.filter(({ hasSlice }) => hasSlice);
}

type NalKind = "slice" | "key" | "set" | "other";

export function nalKind(nal: Uint8Array, codec: VideoCodec): NalKind {
  const first = nal[0] ?? 0;
  if (codec === "h264") {
    const type = first & 31;
    if (type === 7 || type === 8) return "set";
    return type === 5 ? "key" : type >= 1 && type < 5 ? "slice" : "other";
  }
  const type = (first >> 1) & 63;
  if (type >= 32 && type <= 34) return "set";
  return type >= 16 && type <= 21 ? "key" : type < 16 ? "slice" : "other";
}

/** `first_mb_in_slice` is 0, or `first_slice_segment_in_pic_flag` is set: the first bit after the header, in both. */
function isFirstSlice(nal: Uint8Array, codec: VideoCodec): boolean {
  return ((nal[codec === "h264" ? 1 : 2] ?? 0) & 0x80) !== 0;
}
