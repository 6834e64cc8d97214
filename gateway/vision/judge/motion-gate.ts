import type { UnitPolygon } from "../../contracts/violations.ts";
import type { SmallFrame } from "../../contracts/vision.ts";
import { isInside } from "./polygon.ts";

export interface MotionSettings {
  /** Parts of the picture that move and mean nothing. */
  readonly masks: readonly UnitPolygon[];
  readonly heartbeatS: number;
  readonly motionHoldS: number;
  readonly motionStep: number;
  readonly motionPart: number;
}

export type GateReason = "motion" | "heartbeat" | "attention" | "first";

/** Pixels of a block's side: small enough for a person at a gate, large enough that noise averages out. */
const BLOCK_PX = 8;
/** A block's background follows the picture within so many seconds. */
const LEARN_S = 20;
/** A light that is switched on changes the most of the picture: its median is taken out. */
const SAMPLE = 2;

/** Says which pictures are worth a detector's time. Reads nothing but the picture and its time. */
export class MotionGate {
  readonly #settings: MotionSettings;
  #grid: Grid | undefined;
  #movedUpMs = Number.NEGATIVE_INFINITY;
  #judgedUpMs = Number.NEGATIVE_INFINITY;
  #seenUpMs = 0;

  constructor(settings: MotionSettings) {
    this.#settings = settings;
  }

  /**
   * @param isAttentive something is being watched whose dwell must be measured
   * @returns why this picture is to be judged, or undefined
   */
  wants(frame: SmallFrame, isAttentive: boolean): GateReason | undefined {
    const { heartbeatS, motionHoldS } = this.#settings;
    const isFirst = this.#grid?.fits(frame) !== true;
    if (this.#moved(frame)) this.#movedUpMs = frame.upMs;
    const reason = isFirst
      ? "first"
      : frame.upMs - this.#movedUpMs <= motionHoldS * 1000
        ? "motion"
        : isAttentive
          ? "attention"
          : frame.upMs - this.#judgedUpMs >= heartbeatS * 1000
            ? "heartbeat"
            : undefined;
    if (reason !== undefined) this.#judgedUpMs = frame.upMs;
    return reason;
  }

  #moved(frame: SmallFrame): boolean {
    const { masks, motionStep, motionPart } = this.#settings;
    if (this.#grid?.fits(frame) !== true) {
      this.#grid = new Grid(frame, masks);
      this.#seenUpMs = frame.upMs;
      return false;
    }
    const elapsedS = Math.max(0, frame.upMs - this.#seenUpMs) / 1000;
    this.#seenUpMs = frame.upMs;
    return this.#grid.changed(frame, motionStep, 1 - Math.exp(-elapsedS / LEARN_S)) > motionPart;
  }
}

/** Mean brightness by blocks, and what it used to be. */
class Grid {
  readonly #width: number;
  readonly #height: number;
  readonly #columns: number;
  readonly #background: Float32Array;
  readonly #now: Float32Array;
  readonly #isOpen: readonly boolean[];
  readonly #openCount: number;

  constructor(frame: SmallFrame, masks: readonly UnitPolygon[]) {
    this.#width = frame.width;
    this.#height = frame.height;
    this.#columns = Math.ceil(frame.width / BLOCK_PX);
    const rows = Math.ceil(frame.height / BLOCK_PX);
    const count = this.#columns * rows;
    this.#now = new Float32Array(count);
    this.#isOpen = Array.from({ length: count }, (_, index) => {
      const x = ((index % this.#columns) + 0.5) / this.#columns;
      const y = (Math.floor(index / this.#columns) + 0.5) / rows;
      return !masks.some((mask) => isInside([x, y], mask));
    });
    this.#openCount = Math.max(1, this.#isOpen.filter(Boolean).length);
    this.#read(frame);
    this.#background = Float32Array.from(this.#now);
  }

  fits({ width, height }: SmallFrame): boolean {
    return width === this.#width && height === this.#height;
  }

  /** @returns the part of the open blocks that differs from the background */
  changed(frame: SmallFrame, step: number, learn: number): number {
    this.#read(frame);
    const shift = this.#medianShift();
    let count = 0;
    for (let index = 0; index < this.#now.length; index++) {
      const difference = (this.#now[index] ?? 0) - (this.#background[index] ?? 0);
      if (this.#isOpen[index] === true && Math.abs(difference - shift) > step) count++;
      // What belongs to the light of the whole picture is learnt at once.
      this.#background[index] = (this.#background[index] ?? 0) + shift + (difference - shift) * learn;
    }
    return count / this.#openCount;
  }

  #medianShift(): number {
    const differences: number[] = [];
    for (let index = 0; index < this.#now.length; index += 3) {
      if (this.#isOpen[index] === true) differences.push((this.#now[index] ?? 0) - (this.#background[index] ?? 0));
    }
    differences.sort((a, b) => a - b);
    return differences[differences.length >> 1] ?? 0;
  }

  #read({ rgb }: SmallFrame): void {
    for (let row = 0, index = 0; row * BLOCK_PX < this.#height; row++) {
      for (let column = 0; column < this.#columns; column++, index++) {
        this.#now[index] = this.#mean(rgb, column * BLOCK_PX, row * BLOCK_PX);
      }
    }
  }

  #mean(rgb: Uint8Array, left: number, top: number): number {
    const right = Math.min(this.#width, left + BLOCK_PX);
    const bottom = Math.min(this.#height, top + BLOCK_PX);
    let sum = 0;
    let count = 0;
    for (let y = top; y < bottom; y += SAMPLE) {
      for (let x = left; x < right; x += SAMPLE, count++) {
        const at = (y * this.#width + x) * 3;
        sum += 2 * (rgb[at] ?? 0) + 5 * (rgb[at + 1] ?? 0) + (rgb[at + 2] ?? 0);
      }
    }
    return sum / (8 * count);
  }
}
