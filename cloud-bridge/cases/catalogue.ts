import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { BridgeError } from "../store/errors.ts";

/** A code of a city's own tables: kept as the city writes it. */
const Code = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" });
const Label = { zh: Type.String({ minLength: 1, maxLength: 100 }), en: Type.String({ minLength: 1, maxLength: 100 }) };
const Minutes = Type.Number({ minimum: 1, maximum: 525_600 });
/** To the end of the working time of the n-th working day after the day of the start, instead of the minutes beside it. */
const WorkingDays = Type.Optional(Type.Integer({ minimum: 1, maximum: 365 }));

/** `wall`: every minute counts. `working`: only those of the working-time calendar. */
export const ClockKind = Type.Union([Type.Literal("wall"), Type.Literal("working")]);
export type ClockKind = Static<typeof ClockKind>;

/** `urgent`: a crew has one such case at a time, unless the desk says otherwise. */
export const Severity = Type.Union([Type.Literal("urgent"), Type.Literal("normal"), Type.Literal("low")]);
export type Severity = Static<typeof Severity>;

/** By when: somebody is on scene, all is over; and how long after that the city hears of it. */
export const SlaClass = Type.Object(
  {
    code: Code,
    ...Label,
    arriveMinutes: Minutes,
    arriveWorkingDays: WorkingDays,
    totalMinutes: Minutes,
    totalWorkingDays: WorkingDays,
    cityMinutes: Minutes,
    cityWorkingDays: WorkingDays,
    clock: ClockKind,
  },
  { additionalProperties: false },
);
export type SlaClass = Static<typeof SlaClass>;

export const Category = Type.Object(
  {
    code: Code,
    ...Label,
    severity: Severity,
    sla: Code,
    /**
     * Alarms of these families are of this category, where `rules` is given only those of these rules. A report of it joins
     * open cases of these families, too.
     */
    families: Type.Optional(
      Type.Array(Type.Union([Type.Literal("noise"), Type.Literal("vision"), Type.Literal("emergency")])),
    ),
    rules: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }))),
  },
  { additionalProperties: false },
);
export type Category = Static<typeof Category>;

/** 案由 */
export const LegalGround = Type.Object(
  {
    code: Code,
    ...Label,
    /** Name of the law or rule; articles and amounts as the city's own table has them. */
    law: Type.Optional(Type.String({ maxLength: 300 })),
    categories: Type.Optional(Type.Array(Code)),
  },
  { additionalProperties: false },
);

/** 应急哨, 重点哨, 常规哨: what a city calls its whistles, and their clocks. */
export const WhistleKind = Type.Object(
  {
    code: Code,
    ...Label,
    /** Each department on scene within. */
    sceneMinutes: Minutes,
    /** Each department's part handled within. */
    handleMinutes: Minutes,
    handleWorkingDays: WorkingDays,
    clock: ClockKind,
  },
  { additionalProperties: false },
);
export type WhistleKind = Static<typeof WhistleKind>;

/** Why a case rests, and whether its clocks rest with it. */
export const SuspendReason = Type.Object(
  { code: Code, ...Label, pausesClock: Type.Boolean() },
  { additionalProperties: false },
);

/**
 * A city's tables: categories with their times, legal grounds, whistles, reasons of suspension. A version never changes
 * once it is loaded: cases name the one that they were opened under.
 */
export const Catalogue = Type.Object(
  {
    name: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" }),
    version: Code,
    /** ISO 8601 with its offset, e.g. `2026-07-01T00:00:00+08:00`: cases opened from then on are of this version. */
    inForceFrom: Type.String({
      pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2})?(Z|[+-]\\d{2}:\\d{2})$",
    }),
    slaClasses: Type.Array(SlaClass, { minItems: 1, maxItems: 100 }),
    /** Of what has no category. */
    defaultSla: Code,
    categories: Type.Array(Category, { minItems: 1, maxItems: 5000 }),
    grounds: Type.Array(LegalGround, { maxItems: 5000 }),
    whistleKinds: Type.Array(WhistleKind, { minItems: 1, maxItems: 50 }),
    suspendReasons: Type.Array(SuspendReason, { maxItems: 100 }),
  },
  { additionalProperties: false },
);
export type Catalogue = Static<typeof Catalogue>;

const validator = Compile(Catalogue);

/**
 * @param value a document from outside
 * @throws BridgeError CATALOGUE_INVALID, naming every fault
 */
export function readCatalogue(value: unknown): Catalogue {
  const faults = validator.Check(value)
    ? faultsOf(value)
    : validator.Errors(value).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
  if (faults.length === 0) return value as Catalogue;
  throw new BridgeError("CATALOGUE_INVALID", faults.slice(0, 20).join("; "), {
    status: 422,
    hint: "`shao catalogue show` prints the one in force, as an example to change.",
  });
}

function faultsOf(catalogue: Catalogue): string[] {
  const { slaClasses, categories, grounds, whistleKinds, suspendReasons, defaultSla, inForceFrom } = catalogue;
  const faults: string[] = [];
  const tables = { slaClasses, categories, grounds, whistleKinds, suspendReasons };
  for (const [table, rows] of Object.entries(tables)) {
    const seen = new Set<string>();
    for (const { code } of rows) {
      if (seen.has(code)) faults.push(`/${table} has the code ${code} twice`);
      seen.add(code);
    }
  }
  const classes = new Set(slaClasses.map(({ code }) => code));
  const known = new Set(categories.map(({ code }) => code));
  if (!classes.has(defaultSla)) faults.push(`/defaultSla names no class: ${defaultSla}`);
  for (const { code, sla } of categories) {
    if (!classes.has(sla)) faults.push(`/categories ${code} names no class: ${sla}`);
  }
  for (const { code, categories: of = [] } of grounds) {
    for (const category of of) if (!known.has(category)) faults.push(`/grounds ${code} names no category: ${category}`);
  }
  if (Number.isNaN(Date.parse(inForceFrom))) faults.push(`/inForceFrom is no date: ${inForceFrom}`);
  return faults;
}

/** The category that an alarm is of: one that names its rule, else one of its family that names no rule. */
export function categoryOfAlarm(catalogue: Catalogue, rule: string, family: string): Category | undefined {
  const { categories } = catalogue;
  return (
    categories.find(({ rules }) => rules?.includes(rule) === true) ??
    categories.find(({ families = [], rules = [] }) => rules.length === 0 && families.some((name) => name === family))
  );
}

/** @throws BridgeError CATEGORY_UNKNOWN */
export function categoryNamed(catalogue: Catalogue, code: string): Category {
  const found = catalogue.categories.find((category) => category.code === code);
  if (found !== undefined) return found;
  throw new BridgeError("CATEGORY_UNKNOWN", `${catalogue.name} ${catalogue.version} has no category ${code}`, {
    status: 422,
    hint: "GET /api/v1/catalogues/current lists the categories in force.",
  });
}

/** @throws BridgeError SUSPEND_REASON_UNKNOWN */
export function pausesClock(catalogue: Catalogue, reason: string | undefined): boolean {
  if (reason === undefined) return true;
  const found = catalogue.suspendReasons.find(({ code }) => code === reason);
  if (found !== undefined) return found.pausesClock;
  throw new BridgeError("SUSPEND_REASON_UNKNOWN", `${catalogue.name} ${catalogue.version} has no reason ${reason}`, {
    status: 422,
    hint: "GET /api/v1/catalogues/current lists the reasons of suspension.",
  });
}

export function slaOf(catalogue: Catalogue, category: Category | undefined): SlaClass {
  const code = category?.sla ?? catalogue.defaultSla;
  const found = catalogue.slaClasses.find((sla) => sla.code === code);
  if (found === undefined) throw new Error(`a loaded catalogue lacks its class ${code}`);
  return found;
}
