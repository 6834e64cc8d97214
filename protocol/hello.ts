import { Compile } from "typebox/compile";
import { ProtocolError } from "./errors.ts";
import { MAX_ENVELOPE_BYTES, READABLE_VERSIONS } from "./limits.ts";
import { type Packing, pack, unpack } from "./packing.ts";
import type { Ranges } from "./ranges.ts";
import { type Have, type Hello, MAX_RUNS_PER_PAGE, ReceiptMessage, type SeqRange } from "./session.ts";

const checkedReceipt = Compile(ReceiptMessage);

export interface HelloContent {
  readonly session: string;
  readonly current: string;
  /** Newest first; every run of the last `keepReceipted`, also empty ones. */
  readonly runs: readonly { readonly run: string; readonly first: number; readonly head: number }[];
  readonly open: readonly string[];
}

const MAX_OPEN = 5000;
/** The oldest that we write: a bridge that is behind must be able to read which others there are. */
const HELLO_VERSION = Math.min(...READABLE_VERSIONS);

/**
 * All pages of one hello; `open` stands on the last.
 * @throws ProtocolError HELLO_TOO_MANY_OPEN: a shortened list would supersede alarms that are open
 */
export function helloPages({ session, current, runs, open }: HelloContent): readonly Hello[] {
  if (open.length > MAX_OPEN) {
    throw new ProtocolError(
      "HELLO_TOO_MANY_OPEN",
      `${open.length} alarms are open`,
      "A rule flaps: widen the distance between its raise and clear levels.",
    );
  }
  const count = Math.max(1, Math.ceil(runs.length / MAX_RUNS_PER_PAGE));
  return Array.from({ length: count }, (_, page) => ({
    v: HELLO_VERSION,
    type: "hello",
    session,
    versions: [...READABLE_VERSIONS],
    page,
    last: page === count - 1,
    current,
    runs: runs.slice(page * MAX_RUNS_PER_PAGE, (page + 1) * MAX_RUNS_PER_PAGE).map((summary) => ({ ...summary })),
    open: page === count - 1 ? [...open] : [],
  }));
}

export function encodeHello(page: Hello): Uint8Array {
  return Buffer.from(JSON.stringify(page));
}

/** @param packing `dictionary` only in answer to what came with one: an earlier node reads plain JSON alone */
export function encodeReceiptMessage(message: ReceiptMessage, packing: Packing = "plain"): Uint8Array {
  return pack(Buffer.from(JSON.stringify(message)), packing);
}

/** @returns undefined for anything that is no message of this contract, also one of a later version */
export function decodeReceiptMessage(bytes: Uint8Array): ReceiptMessage | undefined {
  const plain = unpack(bytes, MAX_ENVELOPE_BYTES);
  if (typeof plain === "string") return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(plain).toString("utf8"));
    return checkedReceipt.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Ranges that one `have` page may name in all, so that it fits a packet. */
export const MAX_RANGES_PER_PAGE = 6000;

/**
 * The entry of one run in a `have` page. With more ranges than `budget` allows, `through` ends before the first that is
 * left out: all beyond is asked for again, which repeats records but never forgets one.
 */
export function haveEntry(
  run: string,
  head: number,
  missing: Ranges,
  declared: Ranges,
  budget: number,
): Have["runs"][number] {
  const starts = [...missing, ...declared].map(([from]) => from).sort((a, b) => a - b);
  const through = Math.min(head, (starts[budget] ?? Number.POSITIVE_INFINITY) - 1);
  const upTo = (ranges: Ranges): SeqRange[] =>
    ranges.filter(([from]) => from <= through).map(([from, to]) => [from, Math.min(to, through)]);
  return { run, through, missing: upTo(missing), declared: upTo(declared) };
}

/** The highest version that both sides know; undefined when there is none: then the node holds. */
export function commonVersion(mine: readonly number[], theirs: readonly number[]): number | undefined {
  return mine.filter((version) => theirs.includes(version)).sort((a, b) => b - a)[0];
}
