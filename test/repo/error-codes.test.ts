import { expect, test } from "vitest";
import { counted, filesUnder, SOURCE_FOLDERS } from "./source-tree.ts";

/**
 * A string of this shape in our source is one of our error codes, thrown, compared or passed on, unless another program
 * coined it. So no list has to know how each class takes its code.
 */
const CODE_LITERAL = /(["'`])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\1/g;

/** Codes of SQLite, Node, OpenSSL and the resolver, a method of RTSP, and names of environment variables. */
const FOREIGN = [
  /^SQLITE_/,
  /^GET_PARAMETER$/,
  /^ERR_/,
  /^EAI_/,
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_HAS_EXPIRED|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
  /^(SHAO|LC|NODE|NOTIFY|WATCHDOG|CREDENTIALS|XDG|SOURCE_DATE|ORT)_/,
];

/** Our error classes take the code first. */
const THROWN = /new (?:Driver|Gateway|Bridge|Protocol)Error\(\s*(["'`])([^"'`]*)\1/g;

const sources = counted(
  "error codes",
  filesUnder(SOURCE_FOLDERS, [".ts", ".tsx", ".js"]).filter(({ path }) => path !== "scripts/generate-docs.ts"),
);
const page = counted("docs/errors.md", filesUnder(["docs"], ["errors.md"]))[0]?.text ?? "";
const rows = [...page.matchAll(/^\| `?([A-Z][A-Z0-9_]*)`? \|(.*)\|(.*)\|$/gm)];
const documented = rows.map(([, code = ""]) => code);

function codesIn(text: string): string[] {
  return [...text.matchAll(CODE_LITERAL)]
    .map(([, , code = ""]) => code)
    .filter((code) => !FOREIGN.some((pattern) => pattern.test(code)));
}

test("every error code in the source stands in docs/errors.md", () => {
  const missing = sources.flatMap(({ path, text }) =>
    codesIn(text)
      .filter((code) => !documented.includes(code))
      .map((code) => `${code} (${path})`),
  );
  expect([...new Set(missing)].sort()).toEqual([]);
});

test("every code in docs/errors.md stands in the source", () => {
  const all = new Set(sources.flatMap(({ text }) => text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b/g) ?? []));
  expect(documented.filter((code) => !all.has(code))).toEqual([]);
});

test("an error is thrown with a code that this check can see", () => {
  const odd = sources.flatMap(({ path, text }) =>
    [...text.matchAll(THROWN)]
      .map(([, , code = ""]) => code)
      .filter((code) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(code))
      .map((code) => `${code} (${path})`),
  );
  expect(odd).toEqual([]);
});

test("docs/errors.md names each code once, in alphabetical order, with a meaning and something to do", () => {
  expect(documented.length).toBeGreaterThan(0);
  expect(documented).toEqual([...new Set(documented)].sort());
  const hollow = rows.filter(([, , meaning = "", act = ""]) => meaning.trim().length < 8 || act.trim().length < 8);
  expect(hollow.map(([, code]) => code)).toEqual([]);
});
