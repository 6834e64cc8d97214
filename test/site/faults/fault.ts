import type { Need } from "../fault-needs.ts";
import type { FaultSite } from "../fault-site.ts";
import type { Lane } from "../lanes.ts";

/** One stroke, decided: nothing of it is left to chance but the machine's own timing. */
export interface Stroke {
  readonly says: string;
  /** `NAME:N`: the half is started before to die there by itself. */
  readonly faultPoint?: string;
  /** How long it lasts between `inject` and `end`. */
  readonly holdMs: number;
  /** Breaks something. */
  inject(site: FaultSite): Promise<void>;
  /** Mends it: the half runs again, the link is open. */
  end(site: FaultSite): Promise<void>;
}

export interface Fault {
  readonly name: string;
  readonly does: string;
  readonly lanes: readonly Lane[];
  readonly needs?: readonly Need[];
  /**
   * @param random the seed's numbers: a seed repeats every choice
   * @param turn how many strokes of this fault were decided before on this lane
   */
  stroke(lane: Lane, random: () => number, turn: number): Stroke;
}
