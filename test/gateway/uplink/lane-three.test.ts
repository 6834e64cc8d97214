import { expect, test } from "vitest";
import { SenderBench } from "./bench.ts";

const RATE_BYTES_PER_S = 8000;

function answered(laneThree: { wireBytes: number; isWaiting: boolean }, backlog = 0): SenderBench {
  const bench = new SenderBench({ rateBytesPerS: RATE_BYTES_PER_S, compress: false, laneThree });
  if (backlog > 0) bench.commit(backlog);
  bench.connect();
  bench.have([{ run: bench.run, through: 0, missing: [], declared: [] }]);
  return bench;
}

test("lane 3 may put a quarter of a second on an idle line, and nothing before the hello is answered", () => {
  const bench = new SenderBench({ rateBytesPerS: RATE_BYTES_PER_S });
  expect(bench.sender.facts.laneThreeBytes).toBe(0);
  expect(answered({ wireBytes: 0, isWaiting: false }).sender.facts.laneThreeBytes).toBe(RATE_BYTES_PER_S / 4);
});

test("with lanes 2 and 4 it keeps at most half a second of the line busy", () => {
  const laneThree = { wireBytes: 0, isWaiting: false };
  const bench = answered(laneThree);
  laneThree.wireBytes = RATE_BYTES_PER_S / 4;
  expect(bench.sender.facts.laneThreeBytes).toBe(RATE_BYTES_PER_S / 4);
  laneThree.wireBytes += 1;
  expect(bench.sender.facts.laneThreeBytes).toBe(0);
  bench.commit(50);
  expect(bench.published).toEqual([]);
  laneThree.wireBytes = 0;
  bench.send("tick", {});
  expect(bench.published.length).toBeGreaterThan(0);
});

test("lane 4 stands back for a message of lane 3 that is ready; alarms and live records do not", () => {
  const laneThree = { wireBytes: 0, isWaiting: true };
  const bench = answered(laneThree, 30);
  expect(bench.published).toEqual([]);
  bench.commit(1, 0);
  expect(bench.seqs).toEqual([[31]]);
  bench.commit(1);
  expect(bench.seqs).toEqual([[31], [32]]);
  laneThree.isWaiting = false;
  bench.send("tick", {});
  expect(bench.seqs.flat()).toContain(1);
});

test("lane 3 rests while receipts stay away", () => {
  const bench = answered({ wireBytes: 0, isWaiting: false });
  bench.commit(1, 0);
  bench.pass(6000);
  expect(bench.sender.facts.laneThreeBytes).toBe(0);
  bench.receipt([1]);
  expect(bench.sender.facts.laneThreeBytes).toBeGreaterThan(0);
});

test("what it has sent is paid for, and the sender wakes when the rate has room for its next message", () => {
  const laneThree = { wireBytes: 0, isWaiting: true };
  const bench = answered(laneThree);
  bench.pass(1_000);
  let sent = 0;
  for (let id = 0; id < 100; id += 1) {
    const wireBytes = bench.sender.facts.laneThreeBytes;
    if (wireBytes > 0) {
      sent += wireBytes;
      bench.send("chunk-sent", { id, wireBytes });
      bench.send("chunk-puback", { id });
      continue;
    }
    if (bench.nowMs >= 5_000) break;
    if (bench.wakeAtMs === undefined) throw new Error("nobody wakes the upload");
    bench.pass(Math.ceil(bench.wakeAtMs - bench.nowMs));
  }
  // Half a second was saved up.
  expect(sent).toBeGreaterThan(0.9 * 4 * RATE_BYTES_PER_S);
  expect(sent).toBeLessThanOrEqual(4.75 * RATE_BYTES_PER_S);
});

test("a budget that is nearly spent stops files and backlog, a spent one all but alarms and the node's own state", () => {
  const laneThree = { wireBytes: 0, isWaiting: false };
  const bench = new SenderBench({ rateBytesPerS: RATE_BYTES_PER_S, laneThree });
  const [old] = bench.commit(1);
  bench.connect();
  bench.send("ration", { ration: "live" });
  bench.have([{ run: bench.run, through: 0, missing: [], declared: [] }]);
  bench.pass(1_000);
  expect(bench.sender.facts.laneThreeBytes).toBe(0);
  const [live] = bench.commit(1);
  bench.pass(1_000);
  expect(bench.seqs).toEqual([[live]]);
  bench.receipt([live ?? 0]);
  bench.send("ration", { ration: "urgent" });
  const later = [...bench.commit(1), ...bench.commit(1, 1), ...bench.commit(1, 0)];
  bench.receipt(later.slice(1));
  bench.pass(600_000);
  expect(bench.seqs.flat()).toEqual([live, later[1], later[2]]);
  bench.send("ration", { ration: "all" });
  bench.pass(1_000);
  bench.receipt(later);
  bench.receipt([old ?? 0]);
  expect(new Set(bench.seqs.flat())).toEqual(new Set([old, live, ...later]));
  expect(bench.sender.facts).toMatchObject({ isIdle: true, laneThreeBytes: RATE_BYTES_PER_S / 4 });
});
