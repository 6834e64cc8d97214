const SECRET_NAME = /pass|secret|token|pin$|private|cookie|credential|authorization/iu;
const URL_ACCOUNT = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/giu;
/** Ends also where the next parameter of XiongMai's cameras begins: `/user=NAME_password=SECRET_channel=1_stream=0.sdp`. */
const VALUE = String.raw`(?:(?!_(?:user|password|channel|stream)=)[^\s;&"'\\])+`;
const NAMED_IN_TEXT = new RegExp(`(?<![a-z0-9])(pw|pass(?:word|wd)?|token|secret|pin)=${VALUE}`, "giu");
const ADDRESS = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"']+/giu;
const ACCOUNT_NAMES = "user(?:name|id)?|usr|login[a-z]*|account|pw|psw|pas[a-z]*|pin|auth(?:basic|orization)?";
const PARAMETER = new RegExp(`(?<=[?&;/_-])(${ACCOUNT_NAMES}|[a-z]*(?:pwd|token|secret|key))=${VALUE}`, "giu");
/** What stands in the place of a secret. */
export const REDACTED = "***";

/** Without what opens doors: accounts in URLs, and what stands behind a name that says so (`PW=` of an HJ 212 station). */
export function redactText(text: string): string {
  return text
    .replace(URL_ACCOUNT, `$1${REDACTED}@`)
    .replace(ADDRESS, redactParameters)
    .replace(NAMED_IN_TEXT, `$1=${REDACTED}`);
}

/** Without the accounts that cameras take in the query of their address, or in its path. */
export function redactParameters(address: string): string {
  return address.replace(PARAMETER, `$1=${REDACTED}`);
}

/** The same of a whole structure: members with a telling name lose their value, all texts are looked through. */
export function redacted(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return redactText(String(value));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      SECRET_NAME.test(name) && member !== undefined && member !== null ? REDACTED : redacted(member),
    ]),
  );
}
