/** Where something stands in a document; both count from 1, columns in UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export type DocumentFaultCode =
  | "CONFIG_UNREADABLE"
  | "CONFIG_SYNTAX"
  | "CONFIG_UNKNOWN_KEY"
  | "CONFIG_MISSING_KEY"
  | "CONFIG_WRONG_TYPE"
  | "CONFIG_WRONG_VALUE"
  | "CONFIG_REFERENCE";

/** One thing that is wrong in a document, told so that whoever wrote it can mend it without reading any other page. */
export interface DocumentFault {
  readonly code: DocumentFaultCode;
  /** Names from the root, e.g. `devices.noise-01.unit`; empty for the document itself. */
  readonly path: string;
  readonly at: Place;
  /** What was seen: lower case, no full stop. */
  readonly message: string;
  /** What would have been right, e.g. `a whole number from 1 to 247`. */
  readonly expected: string;
  /** A line that is valid in this place. */
  readonly example?: string;
  /** A known name that is close to the one that was written. */
  readonly suggestion?: string;
}

/** The words around a fault, in the language of its reader. */
export interface FaultLabels {
  readonly expected: (what: string) => string;
  readonly suggestion: (name: string) => string;
  readonly example: (line: string) => string;
}

const ENGLISH: FaultLabels = {
  expected: (what) => `expected ${what}`,
  suggestion: (name) => `did you mean ${name}?`,
  example: (line) => `example: ${line}`,
};

/** Faults in the order of the document. */
export function inDocumentOrder(faults: readonly DocumentFault[]): DocumentFault[] {
  return faults.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
}

/**
 * The fault as a reader sees it: `file:line:column`, the line itself with a caret, then what was expected and an example.
 * Control characters of the document are shown as dots: a terminal must not obey a config file.
 */
export function renderFault(file: string, text: string, fault: DocumentFault, labels = ENGLISH): string {
  const source = secretless(visible(text.split(/\r?\n/)[fault.at.line - 1] ?? ""));
  const number = String(fault.at.line);
  const from = Math.max(0, fault.at.column - 60);
  const shown = source.slice(from, from + 100);
  const margin = " ".repeat(number.length);
  const lines = [
    `${file}:${fault.at.line}:${fault.at.column}: ${secretless(visible(fault.message))} [${fault.code}]`,
    ` ${number} | ${shown}`,
    ` ${margin} | ${blank(source.slice(from, fault.at.column - 1))}^`,
    ` ${margin} = ${labels.expected(fault.expected)}`,
  ];
  if (fault.suggestion !== undefined) lines.push(` ${margin} = ${labels.suggestion(fault.suggestion)}`);
  if (fault.example !== undefined) lines.push(` ${margin} = ${labels.example(fault.example)}`);
  return lines.join("\n");
}

/**
 * Passwords of URLs and of keys that are called so, as stars, one for each character: what a terminal, a log or a ticket shows of a
 * config is read by others.
 */
export function secretless(text: string): string {
  return text
    .replace(
      /([a-z][a-z0-9+.-]*:\/\/[^\s:/@"']*:)([^\s"']+)(?=@)/giu,
      (_, before: string, secret: string) => before + "*".repeat(secret.length),
    )
    .replace(
      /((?:password|passwd|secret|token)["']?\s*:\s*)([^\s#,}]+)/giu,
      (_, before: string, secret: string) => before + "*".repeat(secret.length),
    );
}

/** Spaces as wide as the text: Chinese characters take two cells of a terminal. */
function blank(text: string): string {
  return text
    .replace(/[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]/gu, "  ")
    .replace(/\S/gu, " ");
}

function visible(text: string): string {
  let shown = "";
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    shown += code < 0x20 || (code >= 0x7f && code < 0xa0) ? "·" : character;
  }
  return shown;
}
