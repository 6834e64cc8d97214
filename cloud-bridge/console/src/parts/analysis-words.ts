import { siteName, sites } from "../state/desk.ts";
import { catalogue, namedIn, unitName } from "../state/registers.ts";
import { formatAge, formatNumber } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { formText } from "../text/packs/act-forms.ts";
import { analysisText as a } from "../text/packs/analysis.ts";
import { isTextKey } from "../text/translate.ts";

const FOUND_BY = ["meter", "camera-rule", "video-round", "patrol", "citizen", "officer", "watch"] as const;

export const foundByName = (key: string): string => {
  const known = FOUND_BY.find((name) => name === key);
  return known === undefined ? a("groups.none") : formText(`found-by.${known}`);
};

/** A category of the tables in force, or the family of a case that has none. */
export const kindName = (key: string): string => {
  const family = `family.${key}`;
  const named = namedIn(catalogue.value?.categories, key);
  return named === key && isTextKey(family) ? t(family) : named;
};

export type GroupBy = "unit" | "category" | "foundBy" | "site";

export function groupName(by: GroupBy, key: string): string {
  if (key === "") return a(by === "unit" ? "groups.no-unit" : "groups.none");
  switch (by) {
    case "unit":
      return unitName(key);
    case "category":
      return kindName(key);
    case "foundBy":
      return foundByName(key);
    case "site":
      return siteName(key) ?? key;
  }
}

export const whole = (value: number): string => formatNumber(locale.value, value);
export const NONE = "–";
export const orNone = (value: number | null, digits = 1): string =>
  value === null ? NONE : formatNumber(locale.value, value, digits);
export const timeOrNone = (ms: number | null): string => (ms === null ? NONE : formatAge(locale.value, ms));
export const percent = (share: number | null): string =>
  share === null ? NONE : `${formatNumber(locale.value, share * 100)} %`;

const NAMES = 2;

interface Cell {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
}

/** A cell is read by its middle, and known by the sites in it. */
export function placeName({ latitudeDeg, longitudeDeg }: Cell, cellDeg: number): string {
  const isIn = (a: number | undefined, b: number): boolean => a !== undefined && Math.abs(a - b) <= cellDeg / 2;
  const names = [...sites.value.values()]
    .filter((site) => isIn(site.latitudeDeg, latitudeDeg) && isIn(site.longitudeDeg, longitudeDeg))
    .map(({ name }) => name);
  const place = `${latitudeDeg.toFixed(4)}, ${longitudeDeg.toFixed(4)}`;
  return [place, ...names.slice(0, NAMES), ...(names.length > NAMES ? ["…"] : [])].join(" · ");
}
