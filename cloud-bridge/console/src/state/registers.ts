import { signal } from "@preact/signals";
import type { CatalogueDocument } from "../../../api/schema/casework.ts";
import type { CaseView } from "../../../api/schema/desk.ts";
import type { Unit } from "../../../api/schema/roster.ts";
import { call } from "../api/client.ts";
import { locale } from "../text/locale.ts";
import { allOf } from "./desk.ts";

/** The city's tables as they are in force: categories, legal grounds, whistles, reasons of suspension. */
export const catalogue = signal<CatalogueDocument | undefined>(undefined);
export const units = signal<readonly Unit[]>([]);

export async function loadRegisters(): Promise<void> {
  const [tables, unitList] = await Promise.all([
    call<CatalogueDocument>("GET", "/catalogues/current"),
    allOf<Unit>("/units?limit=500"),
  ]);
  catalogue.value = tables;
  units.value = unitList;
}

interface Coded {
  readonly code: string;
  readonly zh: string;
  readonly en: string;
}

export const labelOf = ({ zh, en }: Coded): string => (locale.value === "en" ? en : zh);

/** The label of a code of the tables in force; the code itself where they do not have it, or no longer. */
export const namedIn = (rows: readonly Coded[] | undefined, code: string): string => {
  const row = rows?.find((one) => one.code === code);
  return row === undefined ? code : labelOf(row);
};

export const categoryName = ({ category }: CaseView): string | undefined =>
  category === undefined ? undefined : namedIn(catalogue.value?.categories, category.code);

export const unitName = (id: string): string => units.value.find((unit) => unit.id === id)?.name ?? id;
