import { describe, expect, test } from "vitest";
import { NO_RANGES, type Ranges, rangesFrom, rangesOfSeqs, union } from "../../../protocol/ranges.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { JournalTable } from "../../fakes/journal-table.ts";
import {
  alarm,
  alarmBody,
  anotherAlarm,
  health,
  minute,
  NOON_MS,
  position,
  temporaryDirectory,
} from "./sample-records.ts";

const RUN = "r".repeat(22);
const ROUNDS = Number(process.env["SHAO_ROUNDS"] ?? 3);
const SEED = Number(process.env["SHAO_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

function table(settings: { quotaBytes?: number; directory?: string } = {}, nowMs = NOON_MS, run = RUN) {
  return new JournalTable({ directory: temporaryDirectory(), ...settings }, nowMs, run);
}

function device(nowMs: number): NewRecord {
  const body = { state: "online" as const, sinceMs: nowMs };
  return { upMs: 0, atMs: nowMs, timeQuality: "ntp", kind: "device", device: "noise-01", body };
}

function measurement(nowMs: number): NewRecord {
  const body = { quantity: "pm10", unit: "µg/m³", value: 42 };
  return { upMs: 0, atMs: nowMs, timeQuality: "ntp", kind: "measurement", device: "dust", body };
}

describe("what the quota costs", () => {
  test("goes in the order of its worth: health, states and measurements, thinned positions, levels, statistics", () => {
    const journal = table({ quotaBytes: 1_200_000 });
    const gone: string[] = [];
    const counts = new Map<string, number>();
    const note = () => {
      const now = new Map<string, number>();
      for (const record of journal.held().get(RUN) ?? []) {
        const kind =
          record.kind === "noise" ? (record.body.minutes === undefined ? "levels" : "statistics") : record.kind;
        now.set(kind, (now.get(kind) ?? 0) + 1);
      }
      for (const [kind, before] of counts) {
        const isThinned = kind === "position" && (now.get(kind) ?? 0) > before / 20;
        const name = isThinned ? "position" : kind;
        if ((now.get(kind) ?? 0) < before - 2 && !gone.includes(name)) gone.push(name);
      }
      for (const [kind, count] of now) counts.set(kind, count);
    };
    const each: (() => NewRecord)[] = [
      ...[() => health(), () => device(journal.nowMs), () => measurement(journal.nowMs)],
      ...[() => position(journal.nowMs), () => minute(journal.nowMs)],
    ];
    // As much of each as fits, and then only minutes until nothing else is left to give.
    for (let round = 0; round < 450; round += 1) {
      journal.nowMs += 60_000;
      expect(journal.write({ append: each.map((make) => make()) })).toHaveLength(each.length);
    }
    note();
    for (let round = 0; round < 300 && gone.length < 6; round += 1) {
      const append = journal.each(30, 60_000, minute);
      expect(journal.write({ append })).toHaveLength(30);
      note();
    }
    expect(gone.filter((kind) => kind !== "shed" && kind !== "statistics")).toEqual([
      "health",
      "device",
      "measurement",
      "position",
      "levels",
    ]);
    expect(journal.unexplained()).toEqual([]);
  });

  test("positions of a long outage are thinned evenly before any stretch of the track is lost", () => {
    const journal = table({ quotaBytes: 2_000_000 });
    for (let round = 0; round < 250; round += 1) {
      const append = journal.each(60, 1000, position);
      expect(journal.write({ append })).toHaveLength(60);
    }
    const kept = (journal.held().get(RUN) ?? []).filter(({ kind }) => kind === "position").map(({ atMs }) => atMs);
    const gaps = kept.slice(1).map((atMs, at) => (atMs - (kept[at] ?? 0)) / 1000);
    expect(kept[0]).toBe(NOON_MS + 1000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(16);
    expect(Math.max(...gaps)).toBeGreaterThanOrEqual(4);
    expect(gaps.at(-1)).toBe(1);
    expect(journal.unexplained()).toEqual([]);
  });

  test("levels give way to one record an hour with every minute's statistics; the old seqs are declared", () => {
    const journal = table({ quotaBytes: 1_200_000 });
    const meters = ["noise-01", "noise-02"];
    let written = 0;
    while (!(journal.held().get(RUN) ?? []).some(({ kind, body }) => kind === "noise" && "minutes" in body)) {
      for (let n = 0; n < 50; n += 1) {
        journal.nowMs += 60_000;
        journal.write({ append: meters.map((meter) => minute(journal.nowMs, meter)) });
        written += 1;
      }
    }
    const noise = (journal.held().get(RUN) ?? []).flatMap((record) => (record.kind === "noise" ? [record] : []));
    const rolled = noise.filter(({ body }) => body.minutes !== undefined);
    expect(rolled.length).toBeGreaterThan(1);
    for (const { body, atMs, device: meter } of rolled) {
      expect(body.series).toMatchObject({ levels: "", gaps: [[0, body.series.seconds]] });
      expect(body.standsFor).toMatchObject({ run: RUN, atMs });
      expect(body.minutes?.[0]).toEqual([0, 60, 60, 60.5, 64.9, 55, 64.5, 64, 60, 56, 55.5, 2.87]);
      expect(body.statistics).toMatchObject({ valid: 60 * (body.minutes?.length ?? 0), laeqDb: 60.5, l10Db: null });
      expect(meters).toContain(meter);
      expect(body.series.fromMs + body.series.seconds * 1000).toBe(atMs);
    }
    // No minute is lost or told twice.
    const told = noise.flatMap(({ device: meter, body }) =>
      (body.minutes ?? [[0]]).map(([offsetS = 0]) => `${meter} ${body.series.fromMs + offsetS * 1000}`),
    );
    expect(new Set(told).size).toBe(told.length);
    expect(told).toHaveLength(2 * written);
    expect(journal.unexplained()).toEqual([]);
  });

  test("a newer shed takes up the older ones: few records declare a month of shedding", () => {
    const journal = table({ quotaBytes: 1_500_000 });
    for (let round = 0; round < 600; round += 1) {
      journal.write({ append: journal.each(50, 1000, measurement) });
    }
    const records = journal.held().get(RUN) ?? [];
    expect(records.filter(({ kind }) => kind === "shed").length).toBeLessThan(5);
    expect(journal.unexplained()).toEqual([]);
  });
});

describe("the alarm store", () => {
  test("at its share keeps each alarm's newest revision, and says so until there is room again", () => {
    const journal = table({ quotaBytes: 2_000_000 });
    for (let n = 1; n <= 8; n += 1) {
      for (let rev = 1; rev <= 200; rev += 1) {
        const one = anotherAlarm(n, { rev, phase: rev === 1 ? "raised" : "updated" });
        const openAlarms = [{ device: "noise-01", subject: "", body: one.body }];
        expect(journal.write({ append: [one], openAlarms }, "urgent")).toHaveLength(1);
      }
    }
    const alarms = (journal.held().get(RUN) ?? []).flatMap((record) => (record.kind === "alarm" ? [record.body] : []));
    for (let n = 1; n <= 8; n += 1) {
      const { alarmId } = anotherAlarm(n).body;
      expect(Math.max(...alarms.filter((body) => body.alarmId === alarmId).map(({ rev }) => rev))).toBe(200);
    }
    expect(alarms.length).toBeLessThan(1600);
    expect(journal.store.statistics().alarmStoreFull).toBe(true);
    expect(journal.store.takeNews()).toMatchObject([{ code: "ALARM_STORE_FULL" }]);
    expect(journal.unexplained()).toEqual([]);
  });

  test("folds the oldest ended alarms of a key into one count, never an open one or one that may be raised again", () => {
    const journal = table({ quotaBytes: 1_200_000 });
    const open = anotherAlarm(0);
    journal.write({ append: [open], openAlarms: [{ device: "noise-01", subject: "", body: open.body }] }, "urgent");
    const N = 1500;
    for (let n = 1; n <= N; n += 1) {
      journal.nowMs += 60_000;
      const raised = anotherAlarm(n, { raisedAtMs: journal.nowMs, stateAtMs: journal.nowMs });
      journal.write(
        { append: [raised], openAlarms: [{ device: "noise-01", subject: "", body: raised.body }] },
        "urgent",
      );
      const rest = { rev: 2, phase: "cleared" as const, clearReason: "quiet" as const };
      const peak = { value: 70 + (n % 20), unit: "dB", atMs: journal.nowMs };
      const cleared = { ...raised, body: { ...raised.body, ...rest, clearedAtMs: journal.nowMs, peak } };
      journal.write({ append: [cleared], closedAlarms: [raised.body.alarmId] }, "urgent");
      if (n % 10 === 0) journal.store.tend(journal.stamp());
    }
    const alarms = (journal.held().get(RUN) ?? []).flatMap((record) => (record.kind === "alarm" ? [record.body] : []));
    const folds = alarms.filter(({ folded }) => folded !== undefined);
    expect(folds).toHaveLength(1);
    const alive = new Set(alarms.filter(({ folded }) => folded === undefined).map(({ alarmId }) => alarmId));
    expect(alive).toContain(open.body.alarmId);
    expect((folds[0]?.folded?.count ?? 0) + alive.size).toBe(N + 1);
    expect(folds[0]).toMatchObject({ phase: "cleared", rule: "night-noise", peak: { value: 89 } });
    expect(folds[0]?.folded?.firstRaisedAtMs).toBe(NOON_MS + 60_000);
    for (let n = N - 9; n <= N; n += 1) expect(alive).toContain(anotherAlarm(n).body.alarmId);
    expect(journal.unexplained()).toEqual([]);
  });

  test("messages have a share of their own, and cost no alarm", () => {
    const journal = table({ quotaBytes: 2_000_000 });
    journal.write({ append: [alarm()] }, "urgent");
    const text = "x".repeat(400);
    for (let n = 0; n < 1000; n += 1) {
      const body = { type: "emergency" as const, text };
      const record: NewRecord = { upMs: 0, atMs: NOON_MS, timeQuality: "ntp", kind: "message", device: "radio", body };
      expect(journal.write({ append: [record] }, "urgent")).toHaveLength(1);
    }
    const kinds = Map.groupBy(journal.held().get(RUN) ?? [], ({ kind }) => kind);
    expect(kinds.get("alarm")).toHaveLength(1);
    expect(kinds.get("message")?.length).toBeLessThan(300);
    expect(kinds.get("message")?.at(-1)?.seq).toBeGreaterThan(1000);
    expect(journal.unexplained()).toEqual([]);
  });
});

test(`of ${ROUNDS} random nodes at their quota none deletes a row undeclared or refuses an alarm; seed ${SEED}`, () => {
  let writes = 0;
  let sheds = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const chance = chanceOf(SEED + round);
    const directory = temporaryDirectory();
    const quotaBytes = 700_000 + Math.floor(chance() * 3_000_000);
    const receipted = new Map<string, Ranges>();
    /** Declared by sheds that the bridge has. */
    const told = new Map<string, Ranges>();
    let nowMs = NOON_MS;
    let alarms = 0;
    const open = new Map<string, ReturnType<typeof anotherAlarm>>();
    for (let run = 0; run < 3; run += 1) {
      const name = `${run}`.repeat(22);
      const journal = table({ directory, quotaBytes }, nowMs, name);
      const steps = 40 + Math.floor(chance() * 120);
      for (let step = 0; step < steps; step += 1) {
        nowMs = journal.nowMs += Math.floor(chance() * 120_000);
        const pick = chance();
        if (pick < 0.2) {
          alarms += 1;
          const one = anotherAlarm(alarms, { raisedAtMs: nowMs, stateAtMs: nowMs });
          open.set(one.body.alarmId, one);
          const write = { append: [one], openAlarms: [{ device: "noise-01", subject: "", body: one.body }] };
          expect(journal.write(write, "urgent"), `seed ${SEED + round}`).toHaveLength(1);
          writes += 1;
        } else if (pick < 0.35 && open.size > 0) {
          const [id, one] = [...open][Math.floor(chance() * open.size)] ?? ["", anotherAlarm(0)];
          open.delete(id);
          const body = alarmBody(2, "cleared", nowMs);
          const cleared = { ...one, body: { ...body, alarmId: id, clearedAtMs: nowMs } };
          expect(journal.write({ append: [cleared], closedAlarms: [id] }, "urgent")).toHaveLength(1);
        } else if (pick < 0.42) {
          const held = journal.store.runs().at(Math.floor(chance() * (run + 1)))?.run;
          const head = journal.store.runs().find((known) => known.run === held)?.head ?? 0;
          if (held !== undefined && head > 0) {
            const from = 1 + Math.floor(chance() * head);
            const to = Math.min(head, from + Math.floor(chance() * 60));
            // The bridge receipts only what it got.
            const sent = journal.rows(held, from, to);
            const got = rangesOfSeqs(sent.map(({ seq }) => seq));
            for (const record of sent) {
              if (record.kind !== "shed") continue;
              const { run: of, ranges } = record.body;
              told.set(of, union(told.get(of) ?? NO_RANGES, rangesFrom(ranges)));
            }
            journal.store.markReceipted(held, [...got]);
            receipted.set(held, union(receipted.get(held) ?? NO_RANGES, got));
          }
        } else if (pick < 0.46) journal.store.tend(journal.stamp());
        else {
          const make = [minute, position, measurement, device, () => health()][Math.floor(chance() * 5)] ?? minute;
          journal.write({ append: journal.each(1 + Math.floor(chance() * 200), 1000, make) });
          nowMs = journal.nowMs;
          writes += 1;
        }
      }
      const known = new Map([...receipted.keys(), ...told.keys()].map((of) => [of, bothOf(of, receipted, told)]));
      expect(journal.unexplained(known).slice(0, 5), `seed ${SEED + round}, run ${run}`).toEqual([]);
      const standing = journal.store.tables.openAlarms().map(({ body }) => body.alarmId);
      expect(new Set(standing)).toEqual(new Set(open.keys()));
      const { records, laneDepth } = journal.store.statistics();
      const held = [...journal.held()];
      expect(records).toBe(held.reduce((sum, [, rows]) => sum + rows.length, 0));
      expect(laneDepth.reduce((a, b) => a + b)).toBe(
        held.reduce((sum, [of, rows]) => {
          const marks = receipted.get(of) ?? NO_RANGES;
          return sum + rows.filter(({ seq }) => !marks.some(([from, to]) => from <= seq && seq <= to)).length;
        }, 0),
      );
      expect(journal.sizeBytes()).toBeLessThanOrEqual(quotaBytes);
      expect(journal.db.pragma("integrity_check", { simple: true })).toBe("ok");
      sheds += held.reduce((sum, [, rows]) => sum + rows.filter(({ kind }) => kind === "shed").length, 0);
      journal.store.close(journal.stamp());
    }
  }
  process.stderr.write(
    `shedding: seed ${SEED}, ${ROUNDS} nodes of 3 runs, ${writes} writes, ${sheds} sheds at the end\n`,
  );
  expect(sheds).toBeGreaterThan(0);
}, 300_000);

function bothOf(run: string, ...maps: readonly ReadonlyMap<string, Ranges>[]): Ranges {
  return maps.reduce<Ranges>((all, map) => union(all, map.get(run) ?? NO_RANGES), NO_RANGES);
}

function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
