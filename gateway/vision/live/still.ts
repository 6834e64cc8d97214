import { MAX_STILL_BYTES } from "../../../protocol/live-still.ts";
import type { SmallFrame } from "../../contracts/vision.ts";

/** The first that fits the line is taken. */
const TRIES = [
  { widthPx: 640, quality: 62 },
  { widthPx: 480, quality: 50 },
  { widthPx: 320, quality: 45 },
] as const;

/** A small picture as JPEG, small enough to be sent beside all else. @returns undefined where none of the tries is */
export async function stillOf({ width, height, rgb }: SmallFrame): Promise<Uint8Array | undefined> {
  const { default: sharp } = await import("sharp");
  sharp.cache(false);
  sharp.concurrency(1);
  for (const { widthPx, quality } of TRIES) {
    const picture = sharp(rgb, { raw: { width, height, channels: 3 } });
    const jpeg = await picture
      .resize({ width: Math.min(widthPx, width) })
      .jpeg({ quality })
      .toBuffer();
    if (jpeg.length <= MAX_STILL_BYTES / 2) return jpeg;
  }
  return undefined;
}
