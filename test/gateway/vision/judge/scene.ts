import type { ViolationSettings } from "../../../../gateway/contracts/violations.ts";
import type { SeenObject, UnitBox } from "../../../../gateway/contracts/vision.ts";
import { Tracker } from "../../../../gateway/vision/judge/tracker.ts";
import { type Decision, ViolationWatch } from "../../../../gateway/vision/judge/violation-watch.ts";

export const RULE: ViolationSettings = {
  name: "gate",
  cameras: ["gate"],
  classes: ["truck"],
  armedFrom: "00:00",
  armedTo: "00:00",
  dwellS: 3,
  count: 1,
  minScore: 0.5,
  coolDownS: 300,
  updateEveryS: 300,
  maxSpeedMps: 1,
};

export type Thing = readonly [label: string, box: UnitBox, score?: number];

/** Tracker and rule on a clock that goes on by half a second for each picture. */
export class Scene {
  readonly tracker = new Tracker({ inertiaS: 6 });
  readonly watch: ViolationWatch;
  readonly decisions: Decision[] = [];
  upMs = 0;
  isArmed = true;

  constructor(rule: Partial<ViolationSettings> = {}) {
    this.watch = new ViolationWatch({ ...RULE, ...rule });
  }

  get raised(): readonly Decision[] {
    return this.decisions.filter(({ phase }) => phase === "raised");
  }

  see(things: readonly Thing[], stepMs = 500): readonly Decision[] {
    this.upMs += stepMs;
    const objects: SeenObject[] = things.map(([label, box, score = 0.9]) => ({ label, box, score, isCause: false }));
    const step = this.tracker.step(objects, this.upMs);
    const now = { atMs: 1_790_000_000_000 + this.upMs, upMs: this.upMs, isArmed: this.isArmed };
    const decisions = this.watch.step(step, objects, now);
    this.decisions.push(...decisions);
    return decisions;
  }

  /** The same things for so many seconds. */
  stay(seconds: number, things: readonly Thing[], stepMs = 500): void {
    for (let atMs = 0; atMs < seconds * 1000; atMs += stepMs) this.see(things, stepMs);
  }
}
