import type { PositionReading } from "../../drivers/driver.ts";
import type { Position } from "../../protocol/ids.ts";
import type { PositionSettings } from "./settings.ts";

/**
 * Where the node is by its own receiver. A fix on the move holds for a while only: after that the node may be anywhere, and
 * no place is better than an old one. At a stand, and while parked, it holds until the next one.
 */
export class OwnPlace {
  readonly #settings: Pick<PositionSettings, "holdS" | "standstillMps">;
  #fix: { readonly position: Position; readonly isStanding: boolean } | undefined;
  #holdsFromUpMs = 0;
  #isParked = false;

  constructor(settings: Pick<PositionSettings, "holdS" | "standstillMps">) {
    this.#settings = settings;
  }

  /** @param upMs of the fix itself */
  heard({ speedMps, ...reading }: PositionReading, upMs: number): void {
    const { latitudeDeg, longitudeDeg, accuracyM } = reading;
    if (this.#fix !== undefined && upMs < this.#holdsFromUpMs) return;
    const position = { latitudeDeg, longitudeDeg, ...(accuracyM === undefined ? {} : { accuracyM }) };
    this.#fix = { position, isStanding: speedMps !== undefined && speedMps < this.#settings.standstillMps };
    this.#holdsFromUpMs = upMs;
  }

  park(isParked: boolean, upMs: number): void {
    const position = this.at(upMs);
    if (this.#isParked && !isParked && position !== undefined) {
      // It drives off from there.
      this.#fix = { position, isStanding: false };
      this.#holdsFromUpMs = upMs;
    }
    if (position === undefined) this.#fix = undefined;
    this.#isParked = isParked;
  }

  at(upMs: number): Position | undefined {
    if (this.#fix === undefined) return undefined;
    const { position, isStanding } = this.#fix;
    const isHeld = this.#isParked || isStanding || upMs - this.#holdsFromUpMs <= this.#settings.holdS * 1000;
    return isHeld ? position : undefined;
  }
}
