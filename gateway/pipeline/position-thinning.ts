import type { PositionReading } from "../../drivers/driver.ts";
import type { PositionBody } from "../../protocol/bodies.ts";
import { distanceM, type Place } from "../../protocol/geodesy.ts";
import type { PositionSettings } from "./settings.ts";

/**
 * Thins the fixes of one receiver. At a stand (slow, or without a speed and within the hold radius) the place is held:
 * drift makes no track, and there is neither speed nor course. On the move a position is kept after each distance, each
 * turn, and at least every so often.
 */
export class PositionThinning {
  readonly #settings: PositionSettings;
  #held: Place | undefined;
  /** While parked, a place that does not change is said this many times more rarely. */
  slowBy = 1;
  #last: { readonly body: PositionBody; readonly steadyMs: number } | undefined;

  constructor(settings: PositionSettings) {
    this.#settings = settings;
  }

  /** @returns the position to record, or undefined */
  take(reading: PositionReading, steadyMs: number): PositionBody | undefined {
    const body = this.#bodyOf(reading);
    const last = this.#last;
    const isStanding = this.#held !== undefined;
    if (last !== undefined) {
      const ageMs = steadyMs - last.steadyMs;
      const hasMoved = distanceM(last.body, body) >= Math.max(1, this.#settings.minMoveM);
      const hasTurned = turnDeg(last.body.bearingDeg, body.bearingDeg) >= this.#settings.minTurnDeg;
      const isDue = ageMs >= (isStanding ? this.#settings.standingEveryMs * this.slowBy : this.#settings.movingEveryMs);
      const hasStopped = isStanding && (last.body.speedMps ?? 0) > 0;
      if (ageMs >= 0 && !hasMoved && !hasTurned && !isDue && !hasStopped) return undefined;
    }
    this.#last = { body, steadyMs };
    return body;
  }

  #bodyOf(reading: PositionReading): PositionBody {
    const { kind: _, atMs: __, ...fix } = reading;
    const held = this.#held;
    const isNear = held === undefined || distanceM(held, fix) <= this.#settings.holdRadiusM;
    const isSlow =
      fix.speedMps === undefined ? held !== undefined && isNear : fix.speedMps < this.#settings.standstillMps;
    if (!isSlow || !isNear) {
      // Far from the held place, a slow fix is a new place to stand at.
      this.#held = isSlow ? { latitudeDeg: fix.latitudeDeg, longitudeDeg: fix.longitudeDeg } : undefined;
      if (fix.speedMps === undefined) this.#held = { latitudeDeg: fix.latitudeDeg, longitudeDeg: fix.longitudeDeg };
      return isSlow ? standing(fix, fix) : fix;
    }
    this.#held = held ?? { latitudeDeg: fix.latitudeDeg, longitudeDeg: fix.longitudeDeg };
    return standing(fix, this.#held);
  }
}

function standing(fix: PositionBody, at: Place): PositionBody {
  const { bearingDeg: _, ...rest } = fix;
  return { ...rest, latitudeDeg: at.latitudeDeg, longitudeDeg: at.longitudeDeg, speedMps: 0 };
}

function turnDeg(from: number | undefined, to: number | undefined): number {
  if (from === undefined || to === undefined) return 0;
  const turn = Math.abs(from - to) % 360;
  return turn > 180 ? 360 - turn : turn;
}
