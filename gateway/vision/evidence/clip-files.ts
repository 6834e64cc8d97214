import type { MissingPart } from "../../../protocol/evidence.ts";
import type { MediaFile } from "../../contracts/evidence.ts";
import type { RingCut } from "../capture/clip-ring.ts";
import type { MediaJobs } from "./media-jobs.ts";
import type { ScratchFiles } from "./scratch-files.ts";

/** Stretches that one clip may be in; a camera that broke off more often shows nobody anything. */
const MAX_STRETCHES = 3;

/** A window of the node's up-time, ms. */
export interface ClipWindow {
  readonly fromUpMs: number;
  readonly toUpMs: number;
}

/** What can be cut of a window, and what of it cannot, in whole seconds. */
export interface ClipCut {
  /** Longest first. */
  readonly stretches: readonly RingCut[];
  readonly lackingS: number;
  /** Says so where it is a second or more, and some is there. */
  readonly missing: readonly MissingPart[];
}

export function clipCut(cuts: readonly RingCut[], { fromUpMs, toUpMs }: ClipWindow): ClipCut {
  const stretches = cuts.slice(0, MAX_STRETCHES);
  let heldMs = 0;
  let reachedMs = fromUpMs;
  for (const cut of stretches.toSorted((a, b) => a.fromUpMs - b.fromUpMs)) {
    const from = Math.max(cut.fromUpMs, reachedMs);
    const to = Math.min(cut.toUpMs, toUpMs);
    if (to > from) heldMs += to - from;
    reachedMs = Math.max(reachedMs, to);
  }
  const lackingS = Math.round((toUpMs - fromUpMs - heldMs) / 1000);
  if (lackingS < 1 || stretches.length === 0) return { stretches, lackingS, missing: [] };
  const of = `${lackingS} of ${Math.round((toUpMs - fromUpMs) / 1000)} s are not there`;
  const reason = `${of}: the camera was away, or its ring has no room or does not reach so far back`;
  return { stretches, lackingS, missing: [{ name: "clip-gap", reason }] };
}

/** A file that people can play of each stretch, the longest first. */
export async function clipFiles(
  stretches: readonly RingCut[],
  jobs: MediaJobs,
  scratch: ScratchFiles,
  atMs: (upMs: number) => number,
): Promise<readonly MediaFile[]> {
  const media: MediaFile[] = [];
  for (const cut of stretches) {
    const path = scratch.add(`${cut.path}.whole.mp4`);
    await jobs.clip(cut.path, path, cut.header.codec === "h265");
    media.push({
      name: media.length === 0 ? "clip" : `clip-${media.length + 1}`,
      type: "clip",
      media: "video/mp4",
      fromMs: atMs(cut.fromUpMs),
      toMs: atMs(cut.toUpMs),
      from: { path },
    });
  }
  return media;
}
