import type { TimeQuality } from "../../protocol/ids.ts";
import type { Ration } from "./pace.ts";

/** From here on files and backlog wait. */
export const NEAR_SHARE = 0.8;

/** What was used on one local day. */
export interface DayUse {
  /** `YYYY-MM-DD` in the site's zone. */
  readonly day: string;
  readonly bytes: number;
}

/** A clock that time servers set back by seconds, around midnight, has not been wrong. */
const WRONG_MS = 86_400_000;

/**
 * The bytes that a metered line may carry on one day. A clock that goes back does not give a day twice: only a later date
 * begins a new one. A date that was never reached, of a clock that has since been put right, is left without a new budget.
 */
export class DayBudget {
  readonly #dailyBytes: number;
  #use: DayUse;

  constructor(dailyBytes: number, use: DayUse) {
    this.#dailyBytes = dailyBytes;
    this.#use = use;
  }

  get use(): DayUse {
    return this.#use;
  }

  get ration(): Ration {
    const share = this.#use.bytes / this.#dailyBytes;
    if (share < NEAR_SHARE) return "all";
    return share < 1 ? "live" : "urgent";
  }

  /** @returns whether a new day has begun */
  add(bytes: number, day: string, timeQuality: TimeQuality): boolean {
    const isNew = day > this.#use.day && timeQuality !== "none";
    const used = isNew ? bytes : this.#use.bytes + bytes;
    this.#use = { day: isNew || this.#wasWrong(day, timeQuality) ? day : this.#use.day, bytes: used };
    return isNew;
  }

  #wasWrong(day: string, timeQuality: TimeQuality): boolean {
    const isKnown = timeQuality === "ntp" || timeQuality === "gnss";
    return isKnown && Date.parse(this.#use.day) - Date.parse(day) > WRONG_MS;
  }
}

/** @returns undefined for anything that is no such note */
export function readDayUse(text: string | undefined): DayUse | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d{1,15})$/.exec(text ?? "");
  return match === null ? undefined : { day: match[1] ?? "", bytes: Number(match[2]) };
}

export function writeDayUse({ day, bytes }: DayUse): string {
  return `${day} ${bytes}`;
}
