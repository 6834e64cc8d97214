import { DICTIONARIES, fill, isTextKey, type Locale, type TextKey } from "./translate.ts";

/**
 * Sentences that the bridge makes and stores as text (why a crew was passed over, what a verifier waits for). Those we know
 * are shown in the reader's language with their own numbers; one we do not know is shown as it was stored.
 */
const KNOWN: readonly (readonly [RegExp, TextKey, readonly string[]])[] = [
  [/^quiet (\d+) of (\d+) min$/, "says.quiet", ["n", "of"]],
  [/^crew not seen at the site by GPS or radio$/, "says.not-seen", []],
  [/^(?:the )?device (?:is )?not online(?: and fresh)?$/, "says.device-not-online", []],
  [/^on duty$/, "says.on-duty", []],
  [/^off duty$/, "says.off-duty", []],
  [/^free$/, "says.free", []],
  [/^no fresh fix: the newest is (\d+) s old$/, "says.stale-fix", ["n"]],
  [/^no fresh fix$/, "says.no-fresh-fix", []],
  [/^no (?:fix|position)$/, "says.no-fix", []],
  [/^fix (\d+) s old$/, "says.fix-age", ["n"]],
  [/^distance unknown: the case has no position$/, "says.no-case-position", []],
  [/^(\d+) m: straight line × ([\d.]+)$/, "says.way", ["n", "factor"]],
  [/^busy with case #?(\S+)$/, "says.busy", ["n"]],
];

export function sayIn(locale: Locale, sentence: string): string {
  for (const [pattern, key, names] of KNOWN) {
    const found = pattern.exec(sentence);
    if (!found) continue;
    const words = Object.fromEntries(names.map((name, i) => [name, found[i + 1] ?? ""]));
    return fill(DICTIONARIES[locale][key], words);
  }
  return sentence;
}

/** The name of a timeline entry, or its kind as it is where a newer bridge writes one that we do not know. */
export function entryName(locale: Locale, kind: string): string {
  const key = `entry.${kind}`;
  return isTextKey(key) ? DICTIONARIES[locale][key] : kind;
}
