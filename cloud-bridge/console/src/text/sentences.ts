import { DICTIONARIES, fill, isTextKey, type Locale, type TextKey } from "./translate.ts";

/**
 * Sentences that the bridge makes and stores as text (why a crew was passed over, what a verifier waits for). Those we know
 * are shown in the reader's language with their own numbers; one we do not know is shown as it was stored.
 */
const KNOWN: readonly (readonly [RegExp, TextKey, readonly string[]])[] = [
  [/^(.+): quiet (\d+) of (\d+) min$/, "says.quiet", ["device", "n", "of"]],
  [/^(.+): quiet (\d+) of (\d+) s$/, "says.quiet-seconds", ["device", "n", "of"]],
  [/^(.+): the alarm still stands$/, "says.still-stands", ["device"]],
  [/^(.+): offline, nothing proves quiet$/, "says.offline", ["device"]],
  [/^(.+): its level is not to be believed, nothing proves quiet$/, "says.level-fault", ["device"]],
  [/^(.+): no full window within the limit yet, (\d+) of (\d+) min$/, "says.no-window", ["device", "n", "of"]],
  [/^(.+): no levels yet$/, "says.no-levels", ["device"]],
  [/^(.+): newest level is (\d+) s old$/, "says.old-levels", ["device", "n"]],
  [/^(.+): its alarm names no clear level, a person must close the case$/, "says.no-clear-level", ["device"]],
  [/^crew not seen at the site by GPS or radio$/, "says.not-seen", []],
  [/^a named person must decide: the sensors have not proven it in time$/, "says.needs-person", []],
  [/^not proven within ([\d.]+) h: a named person must decide$/, "says.not-proven", ["n"]],
  [/^on duty$/, "says.on-duty", []],
  [/^off duty$/, "says.off-duty", []],
  [/^free$/, "says.free", []],
  [/^declined this case$/, "says.declined", []],
  [/^did not answer$/, "says.no-answer", []],
  [/^no position$/, "says.no-fix", []],
  [/^fix (\d+) s old$/, "says.fix-age", ["n"]],
  [/^no fresh fix: the newest is (\d+) s old$/, "says.stale-fix", ["n"]],
  [/^distance unknown: the case has no position$/, "says.no-case-position", []],
  [/^(\d+) m: straight line × ([\d.]+)$/, "says.way", ["n", "factor"]],
  [/^busy with case (\S+)$/, "says.busy", ["n"]],
  [/^chosen by the desk$/, "says.desk-choice", []],
  [/^the crew did not answer$/, "says.crew-silent", []],
  [/^the crew could not be reached$/, "says.crew-unreached", []],
  [/^no crew can be sent$/, "says.none-can-go", []],
  [/^there is no crew at all$/, "says.no-crews", []],
  [/^its time is over$/, "says.time-over", []],
  [/^every alarm of the case has cleared before a crew was sent$/, "says.all-cleared", []],
  [/^the site is loud again$/, "says.loud-again", []],
  [/^it was reported again$/, "says.reported-again", []],
  [/^the source gave no place$/, "says.no-place", []],
  [/^the source gave 0, 0 as its place$/, "says.zero-place", []],
  [/^nobody is on scene in time$/, "says.nobody-there", []],
  [/^the case is not over in time$/, "says.not-over", []],
  [/^case (\d+), a part of this, is not over$/, "says.part-open", ["n"]],
  [/^whistle (\S+) is not handled$/, "says.whistle-open", ["n"]],
  [/^no sensor speaks for this case, a person must close it$/, "says.no-sensor", []],
  [/^a person other than the handler closes this case$/, "says.person-closes", []],
  [/^has case (\d+) already$/, "says.has-case", ["n"]],
  [/^of another unit: (.+)$/, "says.other-unit", ["unit"]],
  [/^the crew that led has dropped out$/, "says.dropped-out", []],
  [/^was on the case that was merged in$/, "says.was-on-merged", []],
  [/^an alarm of the case that was merged in stands$/, "says.merged-stands", []],
  [/^the work is over and the alarm stands$/, "says.work-over-stands", []],
  [/^the work is over$/, "says.work-over", []],
  [/^its whole node is silent$/, "says.node-silent", []],
  [/^the department is not on scene in time$/, "says.unit-not-there", []],
  [/^the department has not handled its part in time$/, "says.unit-not-done", []],
  [/^the alarm still stands$/, "says.alarm-stands", []],
  [/^stands for (\d+) alarms that the node had no room for$/, "says.folded", ["n"]],
];

export function sayIn(locale: Locale, sentence: string): string {
  return sayWhole(locale, sentence) ?? sayParts(locale, sentence) ?? sentence;
}

/** Reasons stand in a cause side by side; all must be known, since a person may have written the sentence. */
function sayParts(locale: Locale, sentence: string): string | undefined {
  const parts = sentence.split(", ").map((part) => sayWhole(locale, part));
  return parts.length > 1 && parts.every((part) => part !== undefined) ? parts.join(" · ") : undefined;
}

function sayWhole(locale: Locale, sentence: string): string | undefined {
  for (const [pattern, key, names] of KNOWN) {
    const found = pattern.exec(sentence);
    if (!found) continue;
    const words = Object.fromEntries(names.map((name, i) => [name, found[i + 1] ?? ""]));
    return fill(DICTIONARIES[locale][key], words);
  }
  return undefined;
}

/** The name of a timeline entry, or its kind as it is where a newer bridge writes one that we do not know. */
export function entryName(locale: Locale, kind: string): string {
  const key = `entry.${kind}`;
  return isTextKey(key) ? DICTIONARIES[locale][key] : kind;
}
