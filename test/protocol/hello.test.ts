import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeUp } from "../../protocol/envelope.ts";
import {
  commonVersion,
  decodeReceiptMessage,
  encodeReceiptMessage,
  haveEntry,
  helloPages,
} from "../../protocol/hello.ts";
import { READABLE_VERSIONS } from "../../protocol/limits.ts";
import { newRunId } from "../../protocol/new-ids.ts";
import { addRange, complementWithin, intersect, rangesOfSeqs, subtract, union } from "../../protocol/ranges.ts";

test("a hello of 1201 runs has three pages, newest first, and its open alarms stand on the last", () => {
  const runs = Array.from({ length: 1201 }, (_, i) => ({ run: newRunId(), first: 1, head: i }));
  const pages = helloPages({ session: newRunId(), current: newRunId(), runs, open: ["a"] });
  expect(pages.map(({ page, last, runs: part, open }) => [page, last, part.length, open.length])).toEqual([
    [0, false, 500, 0],
    [1, false, 500, 0],
    [2, true, 201, 1],
  ]);
  expect(pages.flatMap((page) => page.runs)).toEqual(runs);
});

test("a page is written in the oldest version that the node writes, and read whatever version it calls its own", () => {
  const [page] = helloPages({ session: newRunId(), current: newRunId(), runs: [], open: [] });
  expect(page?.v).toBe(Math.min(...READABLE_VERSIONS));
  // A bridge that is behind must learn which versions there are, else the two never come together.
  const later = { ...page, v: 9, versions: [9, 8], later: { of: "version 9" } };
  expect(decodeUp(Buffer.from(JSON.stringify(later)))).toMatchObject({ type: "hello", hello: { versions: [9, 8] } });
});

test("a node without any run says hello all the same", () => {
  expect(helloPages({ session: newRunId(), current: newRunId(), runs: [], open: [] })).toHaveLength(1);
});

test("a have entry never names as stored or declared what is not, however few ranges fit", () => {
  const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 30 }));
  fc.assert(
    fc.property(seqs, seqs, fc.nat({ max: 12 }), (someStored, someDeclared, budget) => {
      const stored = rangesOfSeqs(someStored);
      const declared = subtract(rangesOfSeqs(someDeclared), stored);
      const missing = complementWithin(union(stored, declared), 1, 30);
      const entry = haveEntry("r", 30, missing, declared, budget);
      const named = subtract(subtract(addRange([], 1, entry.through), entry.missing), entry.declared);
      expect(subtract(named, stored)).toEqual([]);
      expect(subtract(entry.declared, declared)).toEqual([]);
      if (budget >= missing.length + declared.length) expect(named).toEqual(intersect(stored, [[1, 30]]));
      expect(entry.missing.length + entry.declared.length).toBeLessThanOrEqual(budget);
    }),
  );
});

test("receipt messages survive the wire, and anything else is undefined", () => {
  const receipt = {
    v: 1,
    type: "receipt",
    bridge: "b",
    epoch: "e",
    run: newRunId(),
    ranges: [[1, 2]],
    refused: [],
  } as const;
  const mutable = { ...receipt, ranges: [[1, 2]] as [number, number][], refused: [] };
  expect(decodeReceiptMessage(encodeReceiptMessage(mutable))).toEqual(receipt);
  for (const text of ["", "{}", "null", `{"type":"receipt"}`, "\u0000"]) {
    expect(decodeReceiptMessage(Buffer.from(text))).toBeUndefined();
  }
});

test("the highest version that both sides know is used, and none is said so", () => {
  expect(commonVersion([1, 2], [1, 2, 3])).toBe(2);
  expect(commonVersion([1], [2, 3])).toBeUndefined();
});
