import { offsetMsAt } from "../../protocol/local-time.ts";

/** `auto`: the bridge sends the first candidate at once; `auto-after`: after N s without a desk's word; `propose`: never by itself. */
export interface DispatchPolicy {
  readonly policy: "auto" | "propose" | "auto-after";
  readonly afterSeconds: number;
}

/** A policy for some rules, categories or times; of several the first that fits counts. */
export interface PolicyException extends DispatchPolicy {
  readonly rules?: readonly string[];
  readonly categories?: readonly string[];
  readonly period?: "night" | "day";
}

export interface PolicySettings {
  readonly dispatch: DispatchPolicy;
  readonly exceptions: readonly PolicyException[];
  /** Wall clock, `22:00` to `06:00`. */
  readonly night: { readonly from: string; readonly to: string };
}

/** What a crew would be sent for, and when. */
export interface PolicyMatter {
  /** Of a report: its category. */
  readonly rule: string;
  readonly category: string | null;
  readonly family: string;
  readonly severity: string;
  readonly atMs: number;
  readonly timeZone: string;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;

/**
 * A fault, and what people report that is not urgent, is looked at by a person: crews are proposed for it, not sent, unless
 * an exception names its rule or category.
 */
export function policyFor(settings: PolicySettings, matter: PolicyMatter): DispatchPolicy {
  const { rule, category, family, severity } = matter;
  const isForDesk = family === "fault" || (family === "report" && severity !== "urgent");
  const own = settings.exceptions.find(({ rules, categories, period }) => {
    const isNamed = rules?.includes(rule) === true || (category !== null && categories?.includes(category) === true);
    const namesAll = rules === undefined && categories === undefined && !isForDesk;
    return (isNamed || namesAll) && (period === undefined || period === periodAt(settings.night, matter));
  });
  if (own !== undefined) return { policy: own.policy, afterSeconds: own.afterSeconds };
  return isForDesk ? { policy: "propose", afterSeconds: 0 } : settings.dispatch;
}

function periodAt(night: PolicySettings["night"], { atMs, timeZone }: PolicyMatter): "night" | "day" {
  const localMinute = Math.floor((atMs + offsetMsAt(atMs, timeZone)) / MINUTE_MS);
  const minute = ((localMinute % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
  const [from, to] = [minuteOf(night.from), minuteOf(night.to)];
  const isNight = from <= to ? from <= minute && minute < to : minute >= from || minute < to;
  return isNight ? "night" : "day";
}

function minuteOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(":").map(Number);
  return hours * 60 + minutes;
}
