/** A picture, 8 bits a channel, RGB, rows from the top without padding: `width × height × 3` bytes. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Left, top, width and height in pixels of the picture. */
export type PixelBox = readonly [left: number, top: number, width: number, height: number];

/** What a detector saw. A second stage writes what it found behind the label: `truck/uncovered`. */
export interface Detection {
  readonly label: string;
  /** 0 to 1. */
  readonly score: number;
  readonly box: PixelBox;
}

/**
 * The part of a picture below a box that was widened on each side.
 * @param margin share of the box's own width and height that is added on each side
 * @param room taken for the part where it is large enough
 */
export function crop(picture: Picture, box: PixelBox, margin: number, room = new Uint8Array()): Picture {
  const [left, top, width, height] = box;
  const fromX = clampInteger(left - width * margin, picture.width - 1);
  const fromY = clampInteger(top - height * margin, picture.height - 1);
  const toX = Math.max(fromX + 1, clampInteger(left + width * (1 + margin), picture.width));
  const toY = Math.max(fromY + 1, clampInteger(top + height * (1 + margin), picture.height));
  const bytes = (toX - fromX) * (toY - fromY) * 3;
  const rgb = room.length < bytes ? new Uint8Array(bytes) : room.subarray(0, bytes);
  for (let y = fromY; y < toY; y++) {
    const from = (y * picture.width + fromX) * 3;
    rgb.set(picture.rgb.subarray(from, from + (toX - fromX) * 3), (y - fromY) * (toX - fromX) * 3);
  }
  return { width: toX - fromX, height: toY - fromY, rgb };
}

function clampInteger(value: number, most: number): number {
  return Math.min(most, Math.max(0, Math.round(value)));
}
