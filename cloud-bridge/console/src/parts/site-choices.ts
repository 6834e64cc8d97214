import { sites } from "../state/desk.ts";

/** Every site, for a field that asks for one. */
export function siteChoices(): { readonly value: string; readonly text: string }[] {
  return [...sites.value.values()].map(({ id, name }) => ({ value: id, text: name }));
}
