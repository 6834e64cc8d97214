import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LineOptions, LineWorld, type Pause } from "./line-world.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1e9);
const HOUR_MS = 3_600_000;
const BAD_3G = { seed: SEED, rateBytesPerS: 8_000, roundTripMs: 300, lossShare: 0.03, pauses: [] };

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}

/** Drains everything, with an alarm every ten seconds. @returns milliseconds */
function drain(world: LineWorld, limitMs: number): number {
  const startMs = world.nowMs;
  for (let at = 1; world.nowMs < startMs + limitMs; at += 1) {
    if (world.pass(startMs + at * 10_000, () => world.isDone)) break;
    if (at <= 300) world.commit(1, 0);
  }
  return world.nowMs - startMs;
}

describe("what is queued drains, on whatever line", () => {
  test.each<[string, Pause]>([
    ["a line that was gone for two minutes", { who: "line", fromMs: 5_000, lengthMs: 120_000 }],
    ["a bridge that answered nothing for two minutes", { who: "bridge", fromMs: 5_000, lengthMs: 120_000 }],
    ["a line that stood still for fifteen seconds", { who: "line", fromMs: 5_000, lengthMs: 15_000 }],
  ])("28,800 records after %s", (_what, pause) => {
    const world = new LineWorld({ ...BAD_3G, rateBytesPerS: 100_000, pauses: [pause] });
    world.connect();
    world.commit(28_800);
    const tookMs = drain(world, HOUR_MS);
    expect(world.isDone, `seed ${SEED}`).toBe(true);
    console.log(
      `seed ${SEED}: drained after ${Math.round(tookMs / 1000)} s, ${world.repeats} repeats, ${world.hellos} hellos`,
    );
    // A window of records may have been on its way when it broke, and each probe repeats one envelope.
    expect(world.repeats).toBeLessThan(1_000);
  });

  const pauses = fc.array(
    fc.record<Pause>({
      who: fc.constantFrom("line", "bridge"),
      fromMs: fc.integer({ min: 0, max: 200_000 }),
      lengthMs: fc.integer({ min: 1_000, max: 130_000 }),
    }),
    { maxLength: 3 },
  );
  const lines = fc.record({
    seed: fc.integer({ min: 1, max: 1e6 }),
    rateBytesPerS: fc.constantFrom(1_000, 2_000, 8_000, 30_000, 250_000, 2_000_000),
    roundTripMs: fc.constantFrom(5, 60, 300, 900, 2_500),
    lossShare: fc.constantFrom(0, 0.01, 0.03, 0.08),
    pauses,
    isConfigured: fc.boolean(),
  });

  test("records and alarms, through pauses of line and bridge", () => {
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 400 }), ({ isConfigured, ...line }, records) => {
        const options: LineOptions = isConfigured ? { ...line, configuredBytesPerS: line.rateBytesPerS } : line;
        const world = new LineWorld(options);
        world.connect();
        world.commit(records);
        drain(world, 2 * HOUR_MS);
        return world.isDone;
      }),
      { seed: SEED, numRuns: 60 },
    );
    console.log(`seed ${SEED}: 60 lines drained`);
  });
});

describe("the rate of the line", () => {
  test("configured, is what the socket carries, to the byte", () => {
    const world = new LineWorld({ ...BAD_3G, rateBytesPerS: 100_000, configuredBytesPerS: 8_000 });
    world.connect();
    world.commit(20_000);
    world.pass(10_000);
    const before = world.upBytes;
    drain(world, 100_000);
    const perS = (world.upBytes - before) / 100;
    console.log(`configured 8000 bytes/s, carried ${Math.round(perS)}`);
    expect(perS).toBeGreaterThan(7_000);
    expect(perS).toBeLessThan(8_100);
  });

  test.each([
    [2_000, 300, 0.03],
    [8_000, 300, 0.03],
    [8_000, 900, 0],
    [250_000, 60, 0.01],
    [250_000, 300, 0.03],
  ])(
    "%d bytes/s, %d ms there and back, loss %d: measured, it neither starves nor queues for long",
    (rate, rtt, loss) => {
      const world = new LineWorld({ ...BAD_3G, rateBytesPerS: rate, roundTripMs: rtt, lossShare: loss });
      world.connect();
      world.commit(30_000);
      world.pass(rate > 100_000 ? 0 : 20_000);
      const [startBytes, startMs] = [world.upBytes, world.nowMs];
      for (let at = 1; at <= 60 && !world.isDone; at += 1) {
        world.commit(1, 0);
        world.pass(startMs + at * 5_000);
      }
      const share = ((world.upBytes - startBytes) * 1000) / (world.nowMs - startMs) / rate;
      const latencies = world.alarmSeqs.map((seq) => world.latencyMs(seq));
      console.log(
        `${rate} bytes/s, ${rtt} ms, loss ${loss}: ${Math.round(share * 100)} % used, believes ${Math.round(world.facts.rateBytesPerS)}; alarms p50 ${Math.round(percentile(latencies, 0.5))} p95 ${Math.round(percentile(latencies, 0.95))} max ${Math.round(Math.max(...latencies))} ms`,
      );
      expect(share).toBeGreaterThan(rtt > 500 || rate > 100_000 ? 0.08 : 0.5);
      expect(percentile(latencies, 0.9)).toBeLessThan(2_500 + rtt);
    },
  );

  test.each([
    ["falls from 2 Mbit/s to 64 kbit/s", 250_000, 8_000],
    ["rises from 64 kbit/s to 2 Mbit/s", 8_000, 250_000],
  ])("follows a line that %s", (_what, first, then) => {
    const later = { fromMs: 60_000, rateBytesPerS: then };
    const world = new LineWorld({ ...BAD_3G, lossShare: 0.01, rateBytesPerS: first, later });
    world.connect();
    world.commit(60_000);
    world.pass(90_000);
    const before = world.upBytes;
    world.commit(1, 0);
    const alarm = world.alarmSeqs.at(-1) ?? 0;
    world.pass(100_000);
    const share = (world.upBytes - before) / 10 / then;
    console.log(
      `${first} → ${then}: ${Math.round(share * 100)} % used half a minute later, alarm ${Math.round(world.latencyMs(alarm))} ms`,
    );
    expect(share).toBeGreaterThan(0.1);
    expect(world.latencyMs(alarm)).toBeLessThan(3_000);
  });
});
