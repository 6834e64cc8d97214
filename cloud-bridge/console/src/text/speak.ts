import { locale } from "./locale.ts";
import { fill, type Words } from "./translate.ts";

/**
 * Texts that come with a page which is fetched later: the first screen does not carry them. Each pack holds both languages;
 * the type of the second makes its keys those of the first.
 */
export function speak<const K extends string>(
  en: Readonly<Record<K, string>>,
  zhCn: Readonly<Record<K, string>>,
): (key: K, words?: Words) => string {
  return (key, words) => fill((locale.value === "en" ? en : zhCn)[key], words);
}
