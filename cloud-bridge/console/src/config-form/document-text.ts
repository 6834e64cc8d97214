import { parseDocument } from "yaml";

/** What a text says, or undefined while nobody can read it. */
export function readText(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? undefined : document.toJS();
}

/**
 * The text with one value changed, its comments and all else as they are.
 * @param value undefined takes it out
 */
export function withValue(text: string, path: readonly string[], value: string | number | boolean | undefined): string {
  const document = parseDocument(text);
  if (document.getIn(path) === value) return text;
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, value);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}
