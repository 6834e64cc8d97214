/** How far beside its second a level may come and still be that second's. */
const TOLERANCE_MS = 300;
/** Readings this close together follow each other without one missing between. */
const NEXT_WITHIN_MS = 1300;

/**
 * Puts the readings of one meter into seconds. A meter that is read once a second near the turn of a second would else
 * give two levels to one second and none to the next; a reading may therefore move into the neighbouring free second.
 */
export class SecondGrid {
  #lastSlot: number | undefined;
  #lastAtMs = Number.NEGATIVE_INFINITY;

  /** @returns the slot of a reading, or undefined where its second already has one or lies behind */
  slotOf(steadyMs: number): number | undefined {
    const own = Math.floor(steadyMs / 1000);
    const slot = this.#fit(own, steadyMs);
    if (slot === undefined) return undefined;
    this.#lastSlot = slot;
    this.#lastAtMs = steadyMs;
    return slot;
  }

  /** Goes on behind a slot that was restored. */
  continueAfter(slot: number): void {
    this.#lastSlot = Math.max(slot, this.#lastSlot ?? slot);
  }

  #fit(own: number, steadyMs: number): number | undefined {
    const last = this.#lastSlot;
    if (last === undefined || own > last + 2) return own;
    if (own === last + 2) {
      const isLateForLast = steadyMs - own * 1000 < TOLERANCE_MS && steadyMs - this.#lastAtMs < NEXT_WITHIN_MS;
      return isLateForLast ? last + 1 : own;
    }
    if (own === last + 1) return own;
    return own === last && steadyMs >= (last + 1) * 1000 - TOLERANCE_MS ? last + 1 : undefined;
  }
}
