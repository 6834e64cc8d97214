import { expect, test } from "vitest";
import { LiveLane } from "../../../gateway/uplink/live-lane.ts";
import type { MqttSession } from "../../../gateway/uplink/mqtt-session.ts";
import { SenderBench } from "./bench.ts";

const RATE_BYTES_PER_S = 8000;

/** A lane on a line whose broker answers when the test says so. */
function lane(options: { rateBytesPerS?: number } = { rateBytesPerS: RATE_BYTES_PER_S }) {
  const bench = new SenderBench({ compress: false, ...options });
  bench.connect();
  const sent: { atMs: number; sizeBytes: number }[] = [];
  const landings: (() => void)[] = [];
  const session = {
    bufferedBytes: 0,
    publish(_topic: string, bytes: Uint8Array, _options: object, onTaken?: () => void) {
      sent.push({ atMs: bench.nowMs, sizeBytes: bytes.length });
      if (onTaken !== undefined) landings.push(onTaken);
      return true;
    },
  };
  const live = new LiveLane({
    sender: bench.sender,
    session: () => session as unknown as MqttSession,
    topic: (name) => name,
    upMs: () => bench.nowMs,
  });
  /** As the video does: all that there is room for, asked again 25 ms later. */
  const pump = (ms: number, delayMs?: number): void => {
    for (const endMs = bench.nowMs + ms; bench.nowMs < endMs; bench.pass(25)) {
      for (let room = live.roomBytes(); room > 0; room = live.roomBytes())
        live.send("gate", new Uint8Array(room), () => {});
      if (delayMs === undefined) continue;
      while (sent.length - landings.length >= 0 && landings[0] !== undefined && dueAt(delayMs) <= bench.nowMs) {
        landed += 1;
        landings.shift()?.();
      }
    }
  };
  let landed = 0;
  const dueAt = (delayMs: number): number => (sent[landed]?.atMs ?? Number.POSITIVE_INFINITY) + delayMs;
  return { bench, live, sent, landings, session, pump };
}

const answer = (bench: SenderBench) => bench.have([{ run: bench.run, through: 0, missing: [], declared: [] }]);

test("video waits for the hello, keeps to the line's rate, and has at most half a second of it in flight", () => {
  const { bench, live, sent, landings, session, pump } = lane();
  expect(live.roomBytes()).toBe(0);
  answer(bench);
  pump(5000);
  // Nothing is answered: what is on its way is all that goes.
  expect(sent.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThanOrEqual(RATE_BYTES_PER_S * 0.5);
  for (const land of landings.splice(0)) land();
  const before = sent.length;
  pump(10_000, 50);
  const bytes = sent.slice(before).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  expect(bytes).toBeGreaterThan(RATE_BYTES_PER_S * 8);
  expect(bytes).toBeLessThanOrEqual(RATE_BYTES_PER_S * 10.6);
  session.bufferedBytes = 20_000;
  expect(live.roomBytes()).toBe(0);
});

test("an alarm goes at once while video takes all of the line, and video stands back until what is recorded has gone", () => {
  const { bench, live, pump } = lane();
  answer(bench);
  pump(3000, 50);
  bench.commit(1, 0);
  expect(bench.published.at(-1)).toMatchObject({ atMs: bench.nowMs, seqs: [1] });
  bench.commit(1);
  expect(bench.seqs).toEqual([[1]]);
  // The line would have room again, and nobody has looked at the clock yet.
  bench.nowMs += 1000;
  expect(live.roomBytes()).toBe(0);
  pump(1000, 50);
  expect(bench.seqs).toEqual([[1], [2]]);
  bench.receipt([1, 2]);
  pump(1000, 50);
  bench.pass(1000);
  expect(live.roomBytes()).toBeGreaterThan(0);
});

test("a line of unknown rate is felt for by the video itself, and given way where it queues", () => {
  const { bench, pump } = lane({});
  answer(bench);
  const atFirst = bench.sender.facts.rateBytesPerS;
  pump(4000, 50);
  const grown = bench.sender.facts.rateBytesPerS;
  expect(grown).toBeGreaterThan(atFirst * 4);
  pump(6000, 2500);
  expect(bench.sender.facts.rateBytesPerS).toBeLessThan(grown * 0.8);
});
