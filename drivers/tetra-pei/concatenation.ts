import { DriverError } from "../errors.ts";
import type { TextPart } from "./sds.ts";
import { decodeText } from "./sds-text.ts";

const MAX_OPEN = 64;
/** Longest text of a message record. */
export const MAX_TEXT_CHARACTERS = 2000;

/** A text, and what is wrong with it; a text with holes names them where they are. */
export interface JoinedText {
  readonly key: string;
  readonly text: string;
  readonly fault?: DriverError;
}

interface Open {
  readonly total: number;
  readonly parts: Map<number, TextPart>;
  readonly sinceMs: number;
}

/** Joins the parts of texts, in whatever order they come. Bounded: the oldest unfinished text gives way. */
export class TextJoiner {
  readonly #open = new Map<string, Open>();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @param from sender and receiver, without which equal references would mix
   * @returns the text that is complete now, and one that had to give way for it
   * @throws DriverError SDS_TEXT_CODING, SDS_TEXT_BROKEN
   */
  add(from: string, piece: TextPart, atMs: number): readonly JoinedText[] {
    const { part } = piece;
    if (part === undefined || part.total === 1) return [joined(from, [piece])];
    const key = `${from} ${part.reference} ${part.total}`;
    let open = this.#open.get(key);
    if (open === undefined) {
      open = { total: part.total, parts: new Map(), sinceMs: atMs };
      this.#open.set(key, open);
    }
    open.parts.set(part.number, piece);
    if (open.parts.size === open.total) {
      this.#open.delete(key);
      return [joined(from, inOrder(open))];
    }
    const [oldest] = this.#open;
    return this.#open.size > MAX_OPEN && oldest !== undefined ? [this.#giveUp(...oldest)] : [];
  }

  /** Texts whose parts have been awaited long enough. */
  due(atMs: number): readonly JoinedText[] {
    return [...this.#open]
      .filter(([, { sinceMs }]) => atMs - sinceMs >= this.#timeoutMs)
      .map((entry) => this.#giveUp(...entry));
  }

  #giveUp(key: string, open: Open): JoinedText {
    this.#open.delete(key);
    return joined(key.split(" ")[0] ?? "", inOrder(open));
  }
}

function inOrder({ total, parts }: Open): (TextPart | undefined)[] {
  return Array.from({ length: total }, (_, index) => parts.get(index + 1));
}

/** Parts that follow each other in one coding are decoded as one, since a character may be cut between them. */
function joined(key: string, parts: readonly (TextPart | undefined)[]): JoinedText {
  let text = "";
  let run: { readonly coding: number; readonly bytes: Uint8Array[] } | undefined;
  const missing: number[] = [];
  const endRun = (): void => {
    if (run !== undefined) text += decodeText(run.coding, Buffer.concat(run.bytes));
    run = undefined;
  };
  for (const [index, part] of parts.entries()) {
    if (part === undefined) {
      endRun();
      if (missing.at(-1) !== index) text += "[…]";
      missing.push(index + 1);
      continue;
    }
    if (run?.coding !== part.coding || part.coding === 0) {
      endRun();
      run = { coding: part.coding, bytes: [] };
    }
    run.bytes.push(part.bytes);
  }
  endRun();
  if (missing.length > 0) return { key, text: text.slice(0, MAX_TEXT_CHARACTERS), fault: holes(missing, parts.length) };
  if (text.length > MAX_TEXT_CHARACTERS) {
    return { key, text: text.slice(0, MAX_TEXT_CHARACTERS), fault: tooLong(text.length) };
  }
  return { key, text };
}

function holes(missing: readonly number[], total: number): DriverError {
  const named = missing.slice(0, 10).join(", ");
  return new DriverError("SDS_PARTS_MISSING", `of a text in ${total} parts these did not come: ${named}`, {
    retry: "backoff",
    hint: "What came is recorded, with […] where a part is missing. Ask the sender to repeat it.",
  });
}

function tooLong(length: number): DriverError {
  return new DriverError("SDS_TEXT_TOO_LONG", `a text of ${length} characters, cut at ${MAX_TEXT_CHARACTERS}`, {
    retry: "backoff",
    hint: "Ask the sender for the rest.",
  });
}
