import type { ViolationSettings } from "../../contracts/violations.ts";
import type { JudgedPicture, SeenObject, UnitBox } from "../../contracts/vision.ts";
import { isOfClass } from "../models/seen-labels.ts";
import { isInside } from "./polygon.ts";
import { bottomCentre, overlap, scoreAs, type Track, type TrackerStep } from "./tracker.ts";

/** One moment of judgement. */
export interface JudgedMoment {
  readonly atMs: number;
  readonly upMs: number;
  /** The rule's time window is open. */
  readonly isArmed: boolean;
}

/** What was decided. The caller makes an alarm of it. */
export interface Decision {
  readonly phase: "raised" | "updated";
  /** Of the offence, unique within the run: what is decided later of the same one has the same. */
  readonly offence: number;
  /** The object that it is about; undefined where the rule counts several. */
  readonly trackId?: number;
  readonly sinceUpMs: number;
  readonly score: number;
  readonly label: string;
  /** It was lost, or left the zone: the last word on it. */
  readonly hasLeft: boolean;
  readonly best: JudgedPicture;
  /** The same, as it is when it is asked: evidence is cut later. */
  readonly bestNow: () => JudgedPicture;
}

interface Offence {
  readonly id: number;
  readonly trackId?: number;
  readonly sinceUpMs: number;
  toldUpMs: number;
  best: Best;
  hasLeft: boolean;
}

interface Best {
  readonly worth: number;
  readonly score: number;
  readonly label: string;
  readonly picture: JudgedPicture;
}

interface Presence {
  sinceUpMs: number;
  insideUpMs: number;
  best: Best;
  offence?: Offence;
  /** Where it stood when it was lost before, and was seen again. */
  stoodAt?: UnitBox;
}

/** Where something stood when it was lost from sight. */
interface Remembered {
  readonly presence: Presence;
  readonly track: Track;
  readonly lostUpMs: number;
}

/** Out of the zone for less is a flicker of its box. */
const OUTSIDE_MS = 3000;
const SAME_PLACE_IOU = 0.4;

/**
 * One rule on one camera: classes × zone × dwell × count over tracks. An object is an offence once, however long it stays,
 * also where it is lost from sight while it stands and seen there again; another object is another offence. Pure.
 */
export class ViolationWatch {
  readonly #rule: ViolationSettings;
  readonly #present = new Map<number, Presence>();
  #remembered: Remembered[] = [];
  #crowd: Offence | undefined;
  #crowdSinceUpMs: number | undefined;
  #crowdSeenUpMs = 0;
  #nextOffence = 1;
  #isArmed = false;
  /** Nothing that was seen before counts. */
  #fromUpMs = 0;

  constructor(rule: ViolationSettings) {
    this.#rule = rule;
  }

  /** Something is there whose dwell is being measured: pictures are wanted though nothing moves. */
  get isAttentive(): boolean {
    if (!this.#isArmed) return false;
    if (this.#rule.count > 1) return this.#present.size > 0 && this.#crowd === undefined;
    for (const { offence } of this.#present.values()) if (offence === undefined) return true;
    return false;
  }

  step({ tracks, lost }: TrackerStep, objects: readonly SeenObject[], now: JudgedMoment): Decision[] {
    const decisions: Decision[] = [];
    this.#isArmed = now.isArmed;
    for (const track of tracks) this.#look(track, objects, now);
    for (const track of lost) this.#lose(track, now, decisions);
    for (const track of tracks) this.#leave(track, now, decisions);
    this.#remembered = this.#remembered.filter(({ presence, lostUpMs }) => {
      if (now.upMs - lostUpMs <= this.#rule.coolDownS * 1000) return true;
      end(presence.offence, now, decisions);
      return false;
    });
    if (this.#rule.count > 1) this.#judgeCrowd(now, decisions);
    else for (const [trackId, presence] of this.#present) this.#judge(trackId, presence, now, decisions);
    return decisions;
  }

  /** The camera moves: what was there is over, and no dwell begins before this moment. */
  reset(now: JudgedMoment): Decision[] {
    const decisions: Decision[] = [];
    this.#fromUpMs = now.upMs;
    for (const { offence } of this.#present.values()) end(offence, now, decisions);
    for (const { presence } of this.#remembered) end(presence.offence, now, decisions);
    end(this.#crowd, now, decisions);
    this.#present.clear();
    this.#remembered = [];
    this.#crowd = undefined;
    this.#crowdSinceUpMs = undefined;
    return decisions;
  }

  #look(track: Track, objects: readonly SeenObject[], now: JudgedMoment): void {
    if (!track.isSeen || !track.isConfirmed || !this.#isInZone(track)) return;
    const known = this.#present.get(track.id) ?? this.#recalled(track);
    const score = scoreAs(track, this.#rule.classes);
    if (score < this.#rule.minScore) return;
    const best = bestOf(known?.best, track, this.#rule.classes, objects, now, score);
    if (known === undefined) {
      // Seen for the second time: it has been there since the first.
      const sinceUpMs = track.history.length <= 2 ? Math.max(track.firstUpMs, this.#fromUpMs) : now.upMs;
      this.#present.set(track.id, { sinceUpMs, insideUpMs: now.upMs, best });
      return;
    }
    known.insideUpMs = now.upMs;
    known.best = best;
    if (known.offence !== undefined) {
      known.offence.best = best;
      known.offence.hasLeft = false;
    }
    this.#present.set(track.id, known);
  }

  /** What stands where something was lost from sight is that thing. */
  #recalled(track: Track): Presence | undefined {
    const index = this.#remembered.findIndex(
      (remembered) => overlap(remembered.track.box, track.box) >= SAME_PLACE_IOU,
    );
    return index < 0 ? undefined : this.#remembered.splice(index, 1)[0]?.presence;
  }

  #lose(track: Track, now: JudgedMoment, decisions: Decision[]): void {
    const presence = this.#present.get(track.id);
    if (presence === undefined) return;
    this.#present.delete(track.id);
    const stillStands = presence.stoodAt !== undefined && overlap(presence.stoodAt, track.box) >= SAME_PLACE_IOU;
    if ((track.isStationary || stillStands) && this.#rule.coolDownS > 0) {
      presence.stoodAt = track.box;
      this.#remembered.push({ presence, track, lostUpMs: now.upMs });
      return;
    }
    end(presence.offence, now, decisions);
  }

  /** Out of the zone, or no longer of the classes: an object that was an offence waits for its return. */
  #leave(track: Track, now: JudgedMoment, decisions: Decision[]): void {
    const presence = this.#present.get(track.id);
    if (presence === undefined || !track.isSeen) return;
    const outsideMs = now.upMs - presence.insideUpMs;
    if (presence.offence === undefined) {
      if (outsideMs > OUTSIDE_MS) this.#present.delete(track.id);
      return;
    }
    if (outsideMs > OUTSIDE_MS) end(presence.offence, now, decisions);
    if (outsideMs > this.#rule.coolDownS * 1000) this.#present.delete(track.id);
  }

  #judge(trackId: number, presence: Presence, now: JudgedMoment, decisions: Decision[]): void {
    const { dwellS, updateEveryS } = this.#rule;
    const { offence, sinceUpMs, insideUpMs, best } = presence;
    if (offence === undefined) {
      if (!now.isArmed || insideUpMs !== now.upMs || now.upMs - sinceUpMs < dwellS * 1000) return;
      const raised: Offence = { id: this.#nextOffence++, trackId, sinceUpMs, toldUpMs: now.upMs, best, hasLeft: false };
      presence.offence = raised;
      decisions.push(decided("raised", raised));
      return;
    }
    if (offence.hasLeft || insideUpMs !== now.upMs || now.upMs - offence.toldUpMs < updateEveryS * 1000) return;
    offence.toldUpMs = now.upMs;
    decisions.push(decided("updated", offence));
  }

  #judgeCrowd(now: JudgedMoment, decisions: Decision[]): void {
    const { count, dwellS, updateEveryS, coolDownS } = this.#rule;
    const there = [...this.#present.values()].filter(({ insideUpMs }) => now.upMs - insideUpMs <= OUTSIDE_MS);
    if (there.length >= count) {
      this.#crowdSinceUpMs ??= now.upMs;
      this.#crowdSeenUpMs = now.upMs;
    } else if (now.upMs - this.#crowdSeenUpMs > OUTSIDE_MS) {
      this.#crowdSinceUpMs = undefined;
      end(this.#crowd, now, decisions);
      if (now.upMs - this.#crowdSeenUpMs > coolDownS * 1000) this.#crowd = undefined;
    }
    const sinceUpMs = this.#crowdSinceUpMs;
    const best = there.map((presence) => presence.best).reduce<Best | undefined>(better, undefined);
    if (there.length < count || sinceUpMs === undefined || best === undefined) return;
    if (this.#crowd === undefined) {
      if (!now.isArmed || now.upMs - sinceUpMs < dwellS * 1000) return;
      this.#crowd = { id: this.#nextOffence++, sinceUpMs, toldUpMs: now.upMs, best, hasLeft: false };
      decisions.push(decided("raised", this.#crowd));
      return;
    }
    this.#crowd.best = better(this.#crowd.best, best);
    this.#crowd.hasLeft = false;
    if (now.upMs - this.#crowd.toldUpMs < updateEveryS * 1000) return;
    this.#crowd.toldUpMs = now.upMs;
    decisions.push(decided("updated", this.#crowd));
  }

  #isInZone({ box }: Track): boolean {
    return this.#rule.zone === undefined || isInside(bottomCentre(box), this.#rule.zone);
  }
}

function end(offence: Offence | undefined, now: JudgedMoment, decisions: Decision[]): void {
  if (offence === undefined || offence.hasLeft) return;
  offence.hasLeft = true;
  offence.toldUpMs = now.upMs;
  decisions.push(decided("updated", offence));
}

function decided(phase: Decision["phase"], offence: Offence): Decision {
  const { id, trackId, sinceUpMs, best, hasLeft } = offence;
  const { score, label, picture } = best;
  const about = trackId === undefined ? {} : { trackId };
  return {
    phase,
    offence: id,
    ...about,
    sinceUpMs,
    score,
    label,
    hasLeft,
    best: picture,
    bestNow: () => offence.best.picture,
  };
}

/** The snapshot is cut from the camera's ring, which holds half a minute at least: an older picture proves nothing any more. */
const STILL_THERE_MS = 20_000;

function better(a: Best | undefined, b: Best): Best {
  return a === undefined || b.worth > a.worth ? b : a;
}

/** The picture that proves most: a sure, large object that no edge cuts. */
function bestOf(
  before: Best | undefined,
  track: Track,
  classes: readonly string[],
  objects: readonly SeenObject[],
  { atMs, upMs }: JudgedMoment,
  median: number,
): Best {
  const newest = track.history.at(-1);
  const label = newest !== undefined && isOfClass(newest.label, classes) ? newest.label : (before?.label ?? "");
  const isShown = newest !== undefined && isOfClass(newest.label, classes);
  const [left, top, width, height] = track.box;
  const isCut = left < 0.004 || top < 0.004 || left + width > 0.996 || top + height > 0.996;
  const worth = (isShown ? (newest?.score ?? 0) : 0) * Math.sqrt(width * height) * (isCut ? 0.6 : 1);
  const isOver = isShown && before !== undefined && upMs - before.picture.upMs > STILL_THERE_MS;
  // Told is always the median as it is now; kept is the picture that proves most.
  if (before !== undefined && before.worth >= worth && !isOver) return { ...before, score: median };
  const marked = objects.map((object) => ({ ...object, isCause: overlap(object.box, track.box) > 0.99 }));
  return { worth, score: median, label, picture: { atMs, upMs, objects: marked } };
}
