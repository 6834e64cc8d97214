import type { UnitPoint } from "../../contracts/violations.ts";
import type { UnitBox } from "../../contracts/vision.ts";
import { isOfClass } from "../models/seen-labels.ts";

export interface SeenThing {
  /** With the second stage's word behind a slash. */
  readonly label: string;
  readonly score: number;
  readonly box: UnitBox;
}

export interface TrackerSettings {
  readonly inertiaS: number;
}

/** One object over time. */
export interface Track {
  /** Unique within the run. */
  readonly id: number;
  /** Of the newest time that it was seen. */
  readonly box: UnitBox;
  readonly firstUpMs: number;
  readonly seenUpMs: number;
  /** Seen in the picture that was judged last. */
  readonly isSeen: boolean;
  /** Seen often enough to be no flicker. */
  readonly isConfirmed: boolean;
  /** It has stood at its place for some seconds. */
  readonly isStationary: boolean;
  /** The last ten times that it was seen, oldest first. */
  readonly history: readonly { readonly label: string; readonly score: number }[];
}

interface Held extends Track {
  readonly anchor: UnitBox;
  readonly anchorUpMs: number;
  readonly hits: number;
  readonly misses: number;
  /** Parts of the picture in a second. */
  readonly velocity: UnitPoint;
}

const HISTORY = 10;
const HITS_TO_CONFIRM = 2;
const MISSES_TO_LOSE = 3;
const STATIONARY_AFTER_MS = 2500;
/** It still stands where its box overlaps the one that it took there by so much. */
const SAME_PLACE_IOU = 0.5;
/** Furthest that the middle of a lower edge may lie from where it was expected, in diagonals of the box. */
const REACH = 0.8;
/** Of something that stands: the next one beside it is another one. */
const STANDING_REACH = 0.3;
const LEAST_IOU = 0.1;
/** A guess about where it went is not stretched over a longer pause. */
const GUESS_MS = 2000;

export interface TrackerStep {
  /** Everything that is there now. */
  readonly tracks: readonly Track[];
  readonly lost: readonly Track[];
}

/**
 * Follows objects from picture to picture: the nearest pairs first, by overlap and by the middle of the lower edge. Pictures
 * come as rarely as once in many seconds, so an object is lost only after pictures without it and time without it.
 */
export class Tracker {
  readonly #settings: TrackerSettings;
  #tracks: Held[] = [];
  #nextId = 1;

  constructor(settings: TrackerSettings) {
    this.#settings = settings;
  }

  /** Forgets everything: the camera has moved. */
  reset(): void {
    this.#tracks = [];
  }

  /** @param things all that one picture shows */
  step(things: readonly SeenThing[], upMs: number): TrackerStep {
    const pairs = this.#pairs(things, upMs);
    const tracks: Held[] = [];
    const lost: Held[] = [];
    for (const track of this.#tracks) {
      const thing = pairs.get(track);
      if (thing !== undefined) tracks.push(seen(track, thing, upMs));
      else if (this.#isLost(track, upMs)) lost.push({ ...track, isSeen: false });
      else tracks.push({ ...track, isSeen: false, misses: track.misses + 1 });
    }
    const paired = new Set(pairs.values());
    for (const thing of things) if (!paired.has(thing)) tracks.push(this.#begin(thing, upMs));
    this.#tracks = tracks;
    return { tracks, lost };
  }

  #isLost(track: Held, upMs: number): boolean {
    // What was seen once and not again was nothing.
    if (!track.isConfirmed) return true;
    return track.misses + 1 >= MISSES_TO_LOSE && upMs - track.seenUpMs >= this.#settings.inertiaS * 1000;
  }

  #begin({ label, score, box }: SeenThing, upMs: number): Held {
    return {
      id: this.#nextId++,
      box,
      firstUpMs: upMs,
      seenUpMs: upMs,
      isSeen: true,
      isConfirmed: HITS_TO_CONFIRM <= 1,
      isStationary: false,
      history: [{ label, score }],
      anchor: box,
      anchorUpMs: upMs,
      hits: 1,
      misses: 0,
      velocity: [0, 0],
    };
  }

  #pairs(things: readonly SeenThing[], upMs: number): Map<Held, SeenThing> {
    const candidates: { readonly track: Held; readonly thing: SeenThing; readonly cost: number }[] = [];
    for (const track of this.#tracks) {
      const expected = moved(track.box, track.velocity, Math.min(GUESS_MS, upMs - track.seenUpMs));
      for (const thing of things) {
        if (kindOf(thing.label) !== kindOf(track.history[0]?.label ?? "")) continue;
        const reach = track.isStationary ? STANDING_REACH : REACH;
        const cost = Math.min(distance(expected, thing.box, reach), distance(track.box, thing.box, reach));
        if (cost < 1) candidates.push({ track, thing, cost });
      }
    }
    candidates.sort((a, b) => a.cost - b.cost);
    const pairs = new Map<Held, SeenThing>();
    const taken = new Set<SeenThing>();
    for (const { track, thing } of candidates) {
      if (pairs.has(track) || taken.has(thing)) continue;
      pairs.set(track, thing);
      taken.add(thing);
    }
    return pairs;
  }
}

function seen(track: Held, { label, score, box }: SeenThing, upMs: number): Held {
  const stays = overlap(track.anchor, box) >= SAME_PLACE_IOU;
  const anchorUpMs = stays ? track.anchorUpMs : upMs;
  const hits = track.hits + 1;
  return {
    ...track,
    box,
    seenUpMs: upMs,
    isSeen: true,
    isConfirmed: hits >= HITS_TO_CONFIRM,
    isStationary: upMs - anchorUpMs >= STATIONARY_AFTER_MS,
    history: [...track.history, { label, score }].slice(-HISTORY),
    anchor: stays ? track.anchor : box,
    anchorUpMs,
    hits,
    misses: 0,
    // A box that trembles at its place goes nowhere.
    velocity: stays ? [0, 0] : velocityOf(track, box, upMs),
  };
}

function velocityOf(track: Held, box: UnitBox, upMs: number): UnitPoint {
  const elapsedS = (upMs - track.seenUpMs) / 1000;
  if (elapsedS <= 0 || elapsedS * 1000 > GUESS_MS) return [0, 0];
  const [fromX, fromY] = bottomCentre(track.box);
  const [toX, toY] = bottomCentre(box);
  return [(toX - fromX) / elapsedS, (toY - fromY) / elapsedS];
}

function moved([left, top, width, height]: UnitBox, [x, y]: UnitPoint, ms: number): UnitBox {
  return [left + (x * ms) / 1000, top + (y * ms) / 1000, width, height];
}

/** 0: the same box; 1 and more: never the same object. */
function distance(a: UnitBox, b: UnitBox, reach: number): number {
  const iou = overlap(a, b);
  const [ax, ay] = bottomCentre(a);
  const [bx, by] = bottomCentre(b);
  const diagonal = Math.max(Math.hypot(a[2], a[3]), Math.hypot(b[2], b[3]));
  const apart = Math.hypot(ax - bx, ay - by) / Math.max(1e-6, diagonal * reach);
  const larger = Math.max(a[2] * a[3], b[2] * b[3]);
  const isOfOneSize = Math.min(a[2] * a[3], b[2] * b[3]) > larger / 4;
  if (iou >= LEAST_IOU) return Math.min(0.99, (1 - iou) * 0.6 + Math.min(1, apart) * 0.4);
  return isOfOneSize ? 0.5 + apart / 2 : 1;
}

/** Where an object stands: the middle of its lower edge. */
export function bottomCentre([left, top, width, height]: UnitBox): UnitPoint {
  return [left + width / 2, top + height];
}

/** `truck/uncovered` is a truck, whatever the second stage says next. */
export function kindOf(label: string): string {
  return label.split("/")[0] ?? label;
}

/** Intersection over union of two boxes. */
export function overlap(a: UnitBox, b: UnitBox): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / (a[2] * a[3] + b[2] * b[3] - common);
}

/**
 * How sure it is that a track is of one of the classes: the median of the last ten scores, where a time that it was seen as
 * something else counts as none.
 */
export function scoreAs(track: Track, classes: readonly string[]): number {
  const scores = track.history.map(({ label, score }) => (isOfClass(label, classes) ? score : 0)).sort((a, b) => a - b);
  const middle = scores.length >> 1;
  const upper = scores[middle] ?? 0;
  return scores.length % 2 === 1 ? upper : ((scores[middle - 1] ?? 0) + upper) / 2;
}
