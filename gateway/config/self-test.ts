import type { HealthState } from "../../protocol/bodies.ts";

/** How long a config that is tried may take until everything is well, for each second that it must stay so. */
const GRACE_PER_S = 3;
const LEAST_GRACE_MS = 10_000;

export interface SelfTestSample {
  readonly upMs: number;
  readonly states: ReadonlyMap<string, HealthState>;
  /** The bridge has answered this session's hello. */
  readonly isUplinkUp: boolean;
}

export type SelfTestVerdict =
  | { readonly is: "waiting" | "good" }
  | { readonly is: "bad"; readonly reason: string; readonly since: "never" | "lost" };

/**
 * Whether a config works: every device that answered before answers, and the uplink is up, for `holdS` seconds at a stretch.
 * Pure: it is shown samples, and its time is theirs.
 */
export class SelfTest {
  readonly #mustAnswer: readonly string[];
  readonly #holdMs: number;
  readonly #untilMs: number;
  #goodSinceMs: number | undefined;
  #wasGood = false;

  constructor({ mustAnswer, holdS, upMs }: { mustAnswer: readonly string[]; holdS: number; upMs: number }) {
    this.#mustAnswer = mustAnswer;
    this.#holdMs = holdS * 1000;
    this.#untilMs = upMs + this.#holdMs + Math.max(LEAST_GRACE_MS, this.#holdMs * GRACE_PER_S);
  }

  look(sample: SelfTestSample): SelfTestVerdict {
    const wrong = this.#wrong(sample);
    if (wrong === undefined) {
      this.#wasGood = true;
      this.#goodSinceMs ??= sample.upMs;
      return { is: sample.upMs - this.#goodSinceMs >= this.#holdMs ? "good" : "waiting" };
    }
    this.#goodSinceMs = undefined;
    if (sample.upMs < this.#untilMs) return { is: "waiting" };
    return { is: "bad", reason: wrong, since: this.#wasGood ? "lost" : "never" };
  }

  #wrong({ states, isUplinkUp }: SelfTestSample): string | undefined {
    // A vehicle that was parked meanwhile is quiet as it should be.
    const silent = this.#mustAnswer.filter((device) => !["online", "parked"].includes(states.get(device) ?? "absent"));
    if (silent.length > 0) {
      const told = silent.slice(0, 8).map((device) => `${device} (${states.get(device) ?? "absent"})`);
      return `answered before and does not answer: ${told.join(", ")}`;
    }
    return isUplinkUp ? undefined : "the bridge was not reached";
  }
}
