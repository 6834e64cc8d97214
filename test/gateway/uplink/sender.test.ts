import { describe, expect, test } from "vitest";
import { declarations } from "../../../gateway/uplink/lacking.ts";
import { decodeUp, sha256Of } from "../../../protocol/envelope.ts";
import { newRunId } from "../../../protocol/new-ids.ts";
import { DICTIONARIES, namesDictionary } from "../../../protocol/packing.ts";
import { SenderBench } from "./bench.ts";

const nothing = (run: string) => ({ run, through: 0, missing: [], declared: [] });

/** A connected bench whose hello was answered: the bridge has nothing yet. */
function answered(options = {}): SenderBench {
  const bench = new SenderBench(options);
  bench.connect();
  bench.have([nothing(bench.run)]);
  return bench;
}

describe("hello", () => {
  test("is said at once, and every five seconds until it is answered; no record goes before", () => {
    const bench = new SenderBench();
    bench.connect();
    bench.commit(3);
    bench.commit(1, 0);
    bench.pass(12_000);
    expect(bench.pages.map(({ atMs }) => atMs)).toEqual([0, 5_000, 10_000]);
    expect(bench.published).toEqual([]);
    bench.have([nothing(bench.run)]);
    expect(bench.seqs).toEqual([[4], [1, 2, 3]]);
    bench.receipt([1, 2, 3, 4]);
    bench.pass(60_000);
    expect(bench.pages).toHaveLength(3);
  });

  test("a page opens its runs alone", () => {
    const earlier = Array.from({ length: 600 }, () => ({ run: newRunId(), first: 1, head: 1 }));
    const bench = new SenderBench({}, earlier);
    for (const { run } of earlier.slice(0, 499))
      bench.rows.push({ run, seq: 1, lane: 1, upMs: 0, bytes: Buffer.from(`{"seq":1}`) });
    bench.connect();
    bench.have(
      bench.runs
        .slice(0, 500)
        .map(({ run, head }) => ({ ...nothing(run), through: head, missing: head ? [[1, 1]] : [] })),
      { last: false },
    );
    expect(bench.published.length).toBeGreaterThan(5);
    expect(bench.pages.map(({ page }) => page)).toEqual([0, 1]);
  });

  test("one that is asked for while another is under way follows it: the answer may be older than the question", () => {
    const bench = new SenderBench();
    bench.connect();
    bench.message({ v: 1, type: "say-hello", bridge: "b", epoch: "e" });
    expect(bench.pages.length).toBe(1);
    bench.have([nothing(bench.run)]);
    expect(bench.pages.length).toBe(2);
    bench.have([nothing(bench.run)]);
    expect(bench.pages.length).toBe(2);
  });

  test("what the bridge asks for and the node lacks is handed over to be declared, and what it has is marked", () => {
    const old = newRunId();
    const bench = new SenderBench({}, [{ run: old, first: 1, head: 9 }]);
    bench.connect();
    bench.have([nothing(bench.run), { run: old, through: 8, missing: [[3, 4]], declared: [[6, 6]] }]);
    expect(bench.others).toContainEqual({
      type: "declare-lacking",
      run: old,
      ranges: [
        [3, 4],
        [9, 9],
      ],
    });
    expect(bench.others).toContainEqual({
      type: "mark-receipted",
      run: old,
      ranges: [
        [1, 2],
        [5, 5],
        [7, 8],
      ],
    });
    expect(declarations(old, [[3, 9]], [{ run: old, ranges: [[4, 5]], reason: "expired" }])).toEqual([
      {
        run: old,
        ranges: [
          [3, 3],
          [6, 9],
        ],
        reason: "expired",
      },
    ]);
  });

  test("a bridge that reads no version of ours makes the node hold and ask again in a minute", () => {
    const bench = new SenderBench();
    bench.connect();
    bench.commit(1, 0);
    bench.have([nothing(bench.run)], { versions: [7] });
    expect(bench.published).toEqual([]);
    expect(bench.others).toContainEqual({ type: "notice", notice: { code: "VERSION_UNSUPPORTED", versions: [7] } });
    bench.pass(59_000);
    expect(bench.pages).toHaveLength(1);
    bench.pass(2_000);
    expect(bench.pages).toHaveLength(2);
  });
});

describe("receipts", () => {
  test("only those of the paired bridge and of this epoch count", () => {
    const bench = answered({ bridge: "b" });
    bench.commit(2);
    bench.receipt([1, 2], { bridge: "other" });
    expect(bench.sender.facts.recordsInFlight).toBe(2);
    const pages = bench.pages.length;
    bench.receipt([1, 2], { epoch: "another" });
    expect(bench.others.filter(({ type }) => type === "mark-receipted")).toEqual([]);
    expect(bench.pages.length).toBe(pages + 1);
    bench.have([{ run: bench.run, through: 2, missing: [[2, 2]], declared: [] }], { epoch: "another" });
    expect(bench.seqs.at(-1)).toEqual([2]);
    bench.receipt([2], { epoch: "another" });
    expect(bench.sender.facts.isIdle).toBe(true);
  });

  test("the first bridge is pinned", () => {
    expect(answered().others).toContainEqual({ type: "pin-bridge", bridge: "b" });
  });

  test("a refused record is not sent again", () => {
    const bench = answered();
    bench.commit(2);
    bench.message({
      v: 1,
      type: "receipt",
      bridge: "b",
      epoch: "e",
      run: bench.run,
      ranges: [[1, 1]],
      refused: [{ seq: 2, code: "ITEM_BODY" }],
    });
    bench.pass(300_000);
    expect(bench.published).toHaveLength(1);
    expect(bench.others).toContainEqual({ type: "mark-receipted", run: bench.run, ranges: [[1, 2]] });
  });

  test("an undecodable envelope goes singly, and what is undecodable alone is declared", () => {
    const bench = answered();
    bench.commit(3);
    const undecodable = (at: number) =>
      bench.message({
        v: 1,
        type: "undecodable",
        bridge: "b",
        epoch: "e",
        sha256: sha256Of(bench.published.at(at)?.bytes ?? new Uint8Array()),
      });
    bench.pass(1);
    const whole = bench.published.length;
    expect(bench.seqs.flat()).toEqual([1, 2, 3]);
    undecodable(-1);
    bench.receipt([1]);
    bench.receipt([2]);
    expect(bench.seqs.slice(whole).every((seqs) => seqs.length === 1)).toBe(true);
    undecodable(-1);
    expect(bench.others.filter(({ type }) => type === "declare-undecodable")).toHaveLength(1);
    bench.pass(300_000);
    expect(bench.seqs.slice(whole).length).toBeLessThanOrEqual(3);
  });
});

describe("the dictionary", () => {
  const [known = 0] = DICTIONARIES;
  const undecodable = (bench: SenderBench) => {
    const sha256 = sha256Of(bench.published.at(-1)?.bytes ?? new Uint8Array());
    bench.message({ v: 1, type: "undecodable", bridge: "b", epoch: "e", sha256 });
  };
  const lastPacked = (bench: SenderBench) => namesDictionary(bench.published.at(-1)?.bytes ?? new Uint8Array());
  const offered = (dictionaries?: number[]) => {
    const bench = new SenderBench();
    bench.connect();
    bench.have([nothing(bench.run)], dictionaries === undefined ? {} : { dictionaries });
    bench.commit(1);
    bench.pass(1);
    return bench;
  };

  test("is used with a bridge that says that it has it, and with no other", () => {
    expect([undefined, [], [known + 1], [known + 1, known]].map((ids) => lastPacked(offered(ids)))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  test("is given up where something cannot be opened, and what went with it goes again before it is declared", () => {
    const bench = offered([known]);
    undecodable(bench);
    bench.pass(1);
    expect(bench.seqs).toEqual([[1], [1]]);
    expect(lastPacked(bench)).toBe(false);
    bench.have([nothing(bench.run)], { dictionaries: [known] });
    expect(bench.others.filter(({ type }) => type === "declare-undecodable")).toEqual([]);
    undecodable(bench);
    expect(bench.others.filter(({ type }) => type === "declare-undecodable")).toHaveLength(1);
    bench.commit(1);
    bench.pass(1);
    expect(lastPacked(bench)).toBe(false);
  });
});

describe("pressure", () => {
  test("at most 200 records and 256 KiB are unreceipted, and lanes 0 and 1 keep their share", () => {
    const bench = answered({ rateBytesPerS: 1e9 });
    bench.commit(1_000);
    expect(bench.sender.facts.recordsInFlight).toBeLessThanOrEqual(180);
    expect(bench.sender.facts.recordsInFlight).toBeGreaterThan(100);
    bench.commit(1, 0);
    expect(bench.seqs.at(-1)).toEqual([1001]);
  });

  test("on a slow line a message and the wire stay short, and an alarm overtakes the backlog", () => {
    const bench = answered({ rateBytesPerS: 8_000 });
    bench.commit(500);
    const bulk = bench.published.map(({ bytes }) => bytes.length);
    expect(Math.max(...bulk)).toBeLessThanOrEqual(2_000);
    expect(bulk.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(4_000);
    bench.commit(1, 0);
    expect(bench.seqs.at(-1)).toEqual([501]);
  });

  test("without receipts only the oldest envelope goes again, doubling, and after three probes hello", () => {
    const bench = answered({ rateBytesPerS: 8_000 });
    bench.commit(100);
    bench.pass(100);
    const first = bench.seqs[0];
    const sent = bench.published.length;
    bench.pass(70_000);
    expect(bench.published.slice(sent).map(({ atMs }) => atMs)).toEqual([5_000, 15_000, 35_000]);
    expect(bench.seqs.slice(sent)).toEqual([first, first, first]);
    expect(bench.pages).toHaveLength(1);
    bench.commit(1, 0);
    expect(bench.seqs.at(-1)).toEqual([101]);
    bench.pass(10_000);
    expect(bench.pages.length).toBeGreaterThan(1);
  });

  test("a record that later receipts have passed goes again after the same time", () => {
    const bench = answered({ rateBytesPerS: 8_000 });
    bench.commit(20);
    const [passed, next] = bench.seqs;
    if (passed === undefined || next === undefined) throw new Error("one message only");
    bench.pass(1_000);
    bench.receipt(next);
    const sent = bench.published.length;
    for (let i = 0; i < 8; i += 1) {
      bench.pass(1_000);
      const last = bench.seqs.at(-1) ?? [];
      if (last !== passed && last[0] !== passed[0]) bench.receipt(last);
    }
    const again = bench.published.slice(sent).filter(({ seqs }) => seqs[0] === passed[0]);
    expect(again.map(({ atMs }) => atMs)).toEqual([5_000]);
  });

  test("an envelope of the running run says how old it is", () => {
    const bench = answered();
    bench.nowMs = 77_000;
    bench.commit(1, 0);
    const message = decodeUp(bench.published[0]?.bytes ?? new Uint8Array());
    expect(message).toMatchObject({ type: "envelope", header: { upMs: 77_000, head: 1 } });
  });
});

describe("older health", () => {
  /** A slow line whose lane 1 has used up its share, while `old` still sends what is not urgent. */
  function busy(): { bench: SenderBench; old: string } {
    const old = newRunId();
    const bench = new SenderBench({ rateBytesPerS: 8_000 }, [{ run: old, first: 1, head: 0 }]);
    bench.commit(300, 2, old);
    bench.connect();
    bench.have([nothing(bench.run), nothing(old)]);
    bench.commit(60, 1);
    return { bench, old };
  }

  function settle(bench: SenderBench): void {
    for (let at = 0; at < bench.published.length; at += 1) {
      const { run, seqs } = bench.published[at] ?? { run: "", seqs: [] };
      bench.receipt(seqs, { run });
      bench.pass(500);
    }
  }

  test("that waits in lane 4 goes after alarms and lane 1", () => {
    const bench = new SenderBench();
    const older = bench.commit(3, 4);
    const [newest] = bench.commit(1, 1);
    const [alarm] = bench.commit(1, 0);
    bench.connect();
    bench.have([nothing(bench.run)]);
    expect(bench.seqs).toEqual([[alarm], [newest], older]);
    bench.receipt([1, 2, 3, 4, 5]);
    expect(bench.sender.facts.isIdle).toBe(true);
  });

  test("is not stranded when it moves to lane 4 after that lane was found empty", () => {
    const { bench, old } = busy();
    const sent = () => new Set(bench.published.filter(({ run }) => run === bench.run).flatMap(({ seqs }) => seqs));
    // Enough time for every turn to be asked: lane 4 holds nothing, and lane 1 waits for its share of the line.
    for (let at = 0; at < 6; at += 1) {
      bench.receipt(bench.published[at]?.seqs ?? [], { run: bench.published[at]?.run ?? "" });
    }
    const waiting = Array.from({ length: 60 }, (_, at) => at + 1).filter((seq) => !sent().has(seq));
    expect(waiting.length).toBeGreaterThan(10);
    const older = waiting.slice(0, -1);
    bench.move(older, 4);
    settle(bench);
    expect(sent().size).toBe(60);
    const order = bench.published.filter(({ run }) => run === bench.run).flatMap(({ seqs }) => seqs);
    expect(order.indexOf(60)).toBeLessThan(order.indexOf(older[0] ?? 0));
    expect(new Set(bench.published.filter(({ run }) => run === old).flatMap(({ seqs }) => seqs)).size).toBe(300);
    expect(bench.sender.facts).toMatchObject({ isIdle: true, recordsInFlight: 0 });
  });

  test("that an unreadable envelope gave back is found in the lane where it is now", () => {
    const bench = new SenderBench();
    bench.commit(4, 1);
    // The bridge wants one that the node lacks, so every turn is asked and found empty.
    bench.rows.shift();
    bench.connect();
    bench.have([nothing(bench.run)]);
    expect(bench.seqs).toEqual([[2, 3, 4]]);
    bench.move([2, 3], 4);
    const sha256 = sha256Of(bench.published[0]?.bytes ?? new Uint8Array());
    bench.message({ v: 1, type: "undecodable", bridge: "b", epoch: "e", sha256 });
    expect(bench.seqs.slice(1)).toEqual([[4], [2], [3]]);
    bench.receipt([2, 3, 4]);
    expect(bench.sender.facts.isIdle).toBe(true);
  });
});

test("everything that was committed before, during and after a broken line goes and comes to rest", () => {
  const old = newRunId();
  const bench = new SenderBench({}, [{ run: old, first: 1, head: 0 }]);
  bench.commit(40, 2, old);
  bench.commit(5, 0);
  bench.connect();
  const drain = (): void => {
    for (let at = 0; at < bench.published.length; at += 1) {
      const { run, seqs } = bench.published[at] ?? { run: "", seqs: [] };
      bench.receipt(seqs, { run });
      bench.pass(500);
    }
  };
  bench.have([nothing(bench.run), nothing(old)]);
  bench.commit(10);
  bench.send("disconnected", {});
  bench.commit(10);
  bench.published.length = 0;
  bench.connect();
  bench.have([nothing(bench.run), nothing(old)]);
  drain();
  expect(new Set(bench.published.filter(({ run }) => run === old).flatMap(({ seqs }) => seqs)).size).toBe(40);
  expect(new Set(bench.published.filter(({ run }) => run !== old).flatMap(({ seqs }) => seqs)).size).toBe(25);
  expect(bench.sender.facts).toMatchObject({ isIdle: true, recordsInFlight: 0 });
});
