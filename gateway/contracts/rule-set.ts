import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import gb3096y2008 from "./rule-sets/gb3096-2008.json" with { type: "json" };
import gb12523y2011 from "./rule-sets/gb12523-2011.json" with { type: "json" };
import gb12523y2025 from "./rule-sets/gb12523-2025.json" with { type: "json" };

const LocalDate = Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\d$" });
const ClockTime = Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$" });

/** The day and night limits of one zone, LAeq, dB(A). */
export const ZoneLimits = Type.Object(
  { dayDb: Type.Number(), nightDb: Type.Number() },
  { additionalProperties: false },
);
export type ZoneLimits = Static<typeof ZoneLimits>;

/** By how much a measured level is lowered for each difference to the background; beyond the last step by nothing. */
export const BackgroundTable = Type.Object(
  {
    /** Rising, without a gap once differences are rounded. Below the first a measurement must be repeated. */
    steps: Type.Array(
      Type.Object(
        { fromDb: Type.Number(), toDb: Type.Number(), correctionDb: Type.Number({ maximum: 0 }) },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
    roundDifferenceToDb: Type.Number({ exclusiveMinimum: 0 }),
  },
  { additionalProperties: false },
);
export type BackgroundTable = Static<typeof BackgroundTable>;

/** One edition of a standard, as data. What nobody could verify is named under `uncertain`. */
export const RuleSet = Type.Object(
  {
    id: Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$" }),
    /** What its editions have in common. */
    standard: Type.String({ pattern: "^[A-Za-z0-9]{1,32}$" }),
    title: Type.String(),
    /** Local dates; `validBefore` is the first on which it no longer holds. */
    validFrom: LocalDate,
    validBefore: Type.Optional(LocalDate),
    dayFrom: ClockTime,
    nightFrom: ClockTime,
    /** Length of one measurement. */
    windowS: Type.Integer({ minimum: 60, maximum: 3600 }),
    zones: Type.Record(Type.String(), ZoneLimits),
    /** At night LAmax may exceed the night limit by so much. */
    nightMaxAllowanceDb: Type.Optional(Type.Number()),
    /** Added to the limits where only an indoor point is possible. */
    indoorOffsetDb: Type.Optional(Type.Number()),
    /** Levels are rounded to this before they are compared. */
    roundToDb: Type.Number({ exclusiveMinimum: 0 }),
    background: Type.Optional(BackgroundTable),
    /** A greater difference of the calibrations before and after makes a result invalid. */
    maxCalibrationDriftDb: Type.Number(),
    maxWindMps: Type.Number(),
    minInstrumentClass: Type.Integer(),
    source: Type.String(),
    uncertain: Type.Array(Type.String()),
  },
  { additionalProperties: false },
);
export type RuleSet = Static<typeof RuleSet>;

/** A file in rule-sets/ and a line here make one more. */
export const RULE_SETS: readonly RuleSet[] = [gb12523y2011, gb12523y2025, gb3096y2008].map((file) =>
  Value.Parse(RuleSet, file),
);

/**
 * The edition that holds on a day: the newest that is valid then.
 * @param date local date of the measurement, `YYYY-MM-DD`; undefined where nobody knows it: the newest edition of all
 * @returns undefined for a standard that there is not; on a day before every edition, the oldest
 */
export function ruleSetAt(standard: string, date: string | undefined): RuleSet | undefined {
  const editions = RULE_SETS.filter((set) => set.standard === standard).toSorted((a, b) =>
    a.validFrom < b.validFrom ? 1 : -1,
  );
  if (date === undefined) return editions[0];
  const isValid = ({ validFrom, validBefore }: RuleSet): boolean =>
    validFrom <= date && (validBefore === undefined || date < validBefore);
  return editions.find(isValid) ?? editions.at(-1);
}
