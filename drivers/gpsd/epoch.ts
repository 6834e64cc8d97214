import type { FixKind } from "../../protocol/bodies.ts";
import type { GpsdFix, GpsdSky } from "./decode.ts";

/** What the reports of one epoch say together. */
export interface GpsdEpoch {
  readonly position?: {
    readonly latitudeDeg: number;
    readonly longitudeDeg: number;
    readonly altitudeM?: number;
    readonly speedMps?: number;
    readonly bearingDeg?: number;
    readonly fix: FixKind;
    readonly accuracyM?: number;
    readonly satellites?: number;
    readonly source?: string;
  };
  /** Why there is none. */
  readonly denied?: "none" | "simulated";
  readonly utcMs?: number;
  readonly sky?: GpsdSky;
}

/** Course and speed below this are the receiver's noise. */
const STANDING_MPS = 1;

/**
 * Gathers the reports of one receiver into epochs. gpsd repeats an epoch as its sentences dribble in, each time with all
 * that it knows by then: the newest report holds, and what it leaves out comes from those before it.
 */
export class GpsdEpochAssembler {
  readonly #receiver: string;
  #fix: GpsdFix | undefined;
  #sky: GpsdSky | undefined;

  constructor(receiver: string) {
    this.#receiver = receiver;
  }

  get isOpen(): boolean {
    return this.#fix !== undefined;
  }

  /** A view of the sky holds until the next one. */
  look(sky: GpsdSky): void {
    this.#sky = { ...this.#sky, ...sky };
  }

  /** @returns the epoch that this report closes */
  add(fix: GpsdFix): GpsdEpoch | undefined {
    const open = this.#fix;
    const isNext = open?.utcMs !== undefined && fix.utcMs !== undefined && open.utcMs !== fix.utcMs;
    // A report without a time begins an epoch where it moves: the receiver wrote its place before its clock.
    const hasMoved =
      open?.utcMs !== undefined &&
      fix.utcMs === undefined &&
      (open.latitudeDeg !== fix.latitudeDeg || open.longitudeDeg !== fix.longitudeDeg);
    const closed = isNext || hasMoved ? this.close() : undefined;
    this.#fix = closed === undefined ? { ...open, ...fix } : fix;
    return closed;
  }

  /** Closes the open epoch, e.g. because gpsd went quiet. */
  close(): GpsdEpoch | undefined {
    const fix = this.#fix;
    this.#fix = undefined;
    if (fix === undefined) return undefined;
    const { state, utcMs, latitudeDeg, longitudeDeg, altitudeM, speedMps, bearingDeg, errorM } = fix;
    const common = { ...(utcMs !== undefined && { utcMs }), ...(this.#sky && { sky: this.#sky }) };
    if (state === "none" || state === "simulated") return { ...common, denied: state };
    if (latitudeDeg === undefined || longitudeDeg === undefined) return common;
    const used = this.#sky?.used;
    return {
      ...common,
      position: {
        latitudeDeg,
        longitudeDeg,
        ...(altitudeM !== undefined && { altitudeM }),
        ...(speedMps !== undefined && { speedMps }),
        ...(bearingDeg !== undefined && speedMps !== undefined && speedMps >= STANDING_MPS && { bearingDeg }),
        fix: state,
        ...(errorM !== undefined && { accuracyM: errorM }),
        ...(used !== undefined && used > 0 && { satellites: used }),
        ...(this.#receiver !== "" && { source: this.#receiver.slice(0, 64) }),
      },
    };
  }
}
