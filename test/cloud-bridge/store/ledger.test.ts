import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  accountOf,
  EMPTY_LEDGER_RUN,
  gapsOf,
  haveOf,
  isAccounted,
  isStored,
  type LedgerRun,
  withDeclared,
  withHead,
  withStored,
} from "../../../cloud-bridge/store/ledger.ts";
import { intersect, rangesOfSeqs } from "../../../protocol/ranges.ts";

const step = fc.record({
  how: fc.constantFrom("stored", "declared", "head"),
  seqs: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 }),
});

function take(ledger: LedgerRun, { how, seqs }: { how: string; seqs: number[] }): LedgerRun {
  if (how === "stored") return withStored(ledger, rangesOfSeqs(seqs));
  if (how === "declared") return withDeclared(ledger, rangesOfSeqs(seqs), "quota");
  return withHead(ledger, Math.max(...seqs));
}

describe("ledger of one run", () => {
  test("every seq is stored, declared or in a gap, and stored wins in any order", () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const ledger = steps.reduce(take, EMPTY_LEDGER_RUN);
        const stored = new Set(steps.filter(({ how }) => how === "stored").flatMap(({ seqs }) => seqs));
        for (const seq of stored) expect(isStored(ledger, seq)).toBe(true);
        expect(intersect(ledger.stored, ledger.declared)).toEqual([]);
        const account = accountOf(ledger, true);
        expect(account.stored).toBe(stored.size);
        expect(account.stored + account.declared + account.outstanding).toBe(account.expected);
        expect(accountOf(ledger, false)).toMatchObject({ outstanding: 0, unexplained: account.outstanding });
        expect(isAccounted(ledger, ledger.head)).toBe(account.outstanding === 0);
      }),
    );
  });

  test("a late arrival withdraws a declaration, and a declaration of what is stored says nothing", () => {
    const declared = withDeclared(withHead(EMPTY_LEDGER_RUN, 5), [[2, 4]], "expired");
    const arrived = withStored(declared, [[3, 3]]);
    expect(arrived).toEqual({
      reasons: {
        expired: [
          [2, 2],
          [4, 4],
        ],
      },
      head: 5,
      stored: [[3, 3]],
      declared: [
        [2, 2],
        [4, 4],
      ],
    });
    expect(withDeclared(arrived, [[3, 3]], "quota")).toEqual(arrived);
  });

  test("a fully accounted run is one range", () => {
    const seqs = Array.from({ length: 50 }, (_, i) => ((i * 7) % 50) + 1);
    const ledger = seqs.reduce((before, seq) => withStored(before, [[seq, seq]]), EMPTY_LEDGER_RUN);
    expect(ledger).toEqual({ head: 50, stored: [[1, 50]], declared: [] });
  });

  test("have asks for every seq that the hello or anyone before it named", () => {
    const ledger = withDeclared(withStored(withHead(EMPTY_LEDGER_RUN, 12), [[1, 4]]), [[6, 7]], "quota");
    expect(haveOf("r", ledger, 10, 100)).toEqual({
      run: "r",
      through: 12,
      missing: [
        [5, 5],
        [8, 12],
      ],
      declared: [[6, 7]],
    });
    expect(haveOf("new", EMPTY_LEDGER_RUN, 0, 100)).toEqual({ run: "new", through: 0, missing: [], declared: [] });
    expect(gapsOf(ledger)).toEqual([
      [5, 5],
      [8, 12],
    ]);
  });
});
