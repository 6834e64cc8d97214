import type { ModelInput } from "./manifest-schema.ts";
import type { PixelBox } from "./picture.ts";

/** Where a picture lies in the model's input. */
export interface Placement {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Pixels of the input for one of the picture, by axis. */
  readonly scaleX: number;
  readonly scaleY: number;
}

/**
 * The arithmetic of the families' own tools: YOLOX cuts sizes off, YOLOv8 rounds them and gives the odd pixel to the right
 * and the bottom.
 * @source Megvii YOLOX data_augment.preproc; Ultralytics data.augment.LetterBox
 */
export function place(fit: ModelInput["fit"], from: Size, to: Size): Placement {
  if (fit === "stretch") {
    return { left: 0, top: 0, ...to, scaleX: to.width / from.width, scaleY: to.height / from.height };
  }
  const scale = Math.min(to.width / from.width, to.height / from.height);
  if (fit === "letterbox-top-left") {
    const width = Math.max(1, Math.floor(from.width * scale));
    const height = Math.max(1, Math.floor(from.height * scale));
    return { left: 0, top: 0, width, height, scaleX: scale, scaleY: scale };
  }
  const width = Math.max(1, roundHalfEven(from.width * scale));
  const height = Math.max(1, roundHalfEven(from.height * scale));
  const left = Math.max(0, roundHalfEven((to.width - width) / 2 - 0.1));
  const top = Math.max(0, roundHalfEven((to.height - height) / 2 - 0.1));
  return { left, top, width, height, scaleX: scale, scaleY: scale };
}

/** As Python's `round`, which the reference uses. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A box of the input in pixels of the picture, cut at the picture's edges.
 * @returns undefined for a box that lies outside
 */
export function boxInPicture(corners: Corners, placement: Placement, picture: Size): PixelBox | undefined {
  const left = clamp((corners.left - placement.left) / placement.scaleX, picture.width);
  const right = clamp((corners.right - placement.left) / placement.scaleX, picture.width);
  const top = clamp((corners.top - placement.top) / placement.scaleY, picture.height);
  const bottom = clamp((corners.bottom - placement.top) / placement.scaleY, picture.height);
  return right > left && bottom > top ? [left, top, right - left, bottom - top] : undefined;
}

export interface Corners {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
