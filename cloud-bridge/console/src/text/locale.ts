import { signal } from "@preact/signals";
import { type Locale, localeOf, type TextKey, translate, type Words } from "./translate.ts";

const STORED = "shao.locale";

const stored = localStorage.getItem(STORED);
export const locale = signal<Locale>(stored === "en" || stored === "zh-CN" ? stored : localeOf(navigator.languages));

export function chooseLocale(next: Locale): void {
  localStorage.setItem(STORED, next);
  locale.value = next;
}

/** The text of a key in the reader's language; a component that calls it is drawn again when the language changes. */
export const t = (key: TextKey, words?: Words): string => translate(locale.value, key, words);
