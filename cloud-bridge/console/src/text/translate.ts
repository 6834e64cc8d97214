import { en } from "./en.ts";
import { zhCn } from "./zh-cn.ts";

export type TextKey = keyof typeof en;
export type Locale = "en" | "zh-CN";
export type Words = Readonly<Record<string, string | number>>;

export const LOCALES: readonly Locale[] = ["zh-CN", "en"];
export const DICTIONARIES: Readonly<Record<Locale, Readonly<Record<TextKey, string>>>> = { en, "zh-CN": zhCn };

export const isTextKey = (key: string): key is TextKey => Object.hasOwn(en, key);

/** Fills `{name}` places; a place without a word stays visible, so that the fault is seen. */
export function fill(sentence: string, words: Words = {}): string {
  return sentence.replace(/\{(\w+)\}/g, (place, name: string) => String(words[name] ?? place));
}

export const translate = (locale: Locale, key: TextKey, words?: Words): string =>
  fill(DICTIONARIES[locale][key], words);

/** The first of the browser's languages that we speak; English where none is. */
export function localeOf(languages: readonly string[]): Locale {
  for (const language of languages) {
    if (/^zh\b/i.test(language)) return "zh-CN";
    if (/^en\b/i.test(language)) return "en";
  }
  return "en";
}
