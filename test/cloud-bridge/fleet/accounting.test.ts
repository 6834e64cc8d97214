import process from "node:process";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { formatNumber } from "../../../cloud-bridge/console/src/text/format.ts";
import { translate } from "../../../cloud-bridge/console/src/text/translate.ts";
import { accountingOf, stripOf, totalsOf } from "../../../cloud-bridge/fleet/accounting.ts";
import { findNode } from "../../../cloud-bridge/fleet/node-views.ts";
import { rangesOfRun } from "../../../cloud-bridge/fleet/run-ranges.ts";
import { sumsOf } from "../../../cloud-bridge/ingest/ledger-rows.ts";
import { EMPTY_LEDGER_RUN, withDeclared, withHead, withStored } from "../../../cloud-bridge/store/ledger.ts";
import type { ShedBody } from "../../../protocol/bodies.ts";
import { newRunId } from "../../../protocol/new-ids.ts";
import { rangesOfSeqs } from "../../../protocol/ranges.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { noiseRecord } from "../../protocol/examples.ts";
import { BridgeBench, T0 } from "../ingest/bridge-bench.ts";

const shed = (run: string, ranges: [number, number][], reason: ShedBody["reason"]): NewRecord => ({
  upMs: 0,
  atMs: T0,
  timeQuality: "ntp",
  kind: "shed",
  body: { run, ranges, reason },
});

async function unexplainedFault(bridge: BridgeBench) {
  const { faults } = await findNode(bridge.store.db, "site-1", T0);
  return faults.find(({ rule }) => rule === "seq-unexplained");
}

describe("a node's accounts", () => {
  test("say of every seq why it is not here, and the first reason stands", async () => {
    await using bridge = await BridgeBench.open();
    const [run, old] = [newRunId(), newRunId()];
    await bridge.hello({
      runs: [
        { run, first: 1, head: 4 },
        { run: old, first: 1, head: 20 },
      ],
    });
    await bridge.up(bridge.envelope(old, 1, [noiseRecord(1), noiseRecord(2)], 20));
    await bridge.up(
      bridge.envelope(run, 1, [
        shed(old, [[3, 6]], "quota"),
        shed(old, [[5, 9]], "expired"),
        shed(old, [[10, 10]], "corrupt"),
        shed(old, [[11, 12]], "undecodable"),
      ]),
    );
    const { total, settled } = await accountingOf(bridge.store.db, "site-1");
    expect(total).toMatchObject({ expected: 24, stored: 6, declared: 10, outstanding: 8, unexplained: 0 });
    expect(total.shed).toEqual({ quota: 4, expired: 3, corrupt: 1, undecodable: 2 });
    expect(settled).toEqual({ runs: 1, stored: 4, declared: 0 });
    const ranges = await rangesOfRun(bridge.store.db, "site-1", old, { limit: 10 });
    expect(ranges.map(({ state, from, to }) => [state, from, to])).toEqual([
      ["stored", 1, 2],
      ["quota", 3, 6],
      ["expired", 7, 9],
      ["corrupt", 10, 10],
      ["undecodable", 11, 12],
      ["outstanding", 13, 20],
    ]);
  });

  test("follow a late arrival: it withdraws the declaration, and the sums with it", async () => {
    await using bridge = await BridgeBench.open();
    const [run, old] = [newRunId(), newRunId()];
    await bridge.hello({
      runs: [
        { run, first: 1, head: 1 },
        { run: old, first: 1, head: 3 },
      ],
    });
    await bridge.up(bridge.envelope(run, 1, [shed(old, [[1, 3]], "quota")]));
    await bridge.up(bridge.envelope(old, 2, [noiseRecord(2)], 3));
    expect((await accountingOf(bridge.store.db, "site-1")).total).toMatchObject({
      stored: 2,
      declared: 2,
      shed: { quota: 2 },
      outstanding: 0,
      unexplained: 0,
    });
  });

  test("date a gap by the records on its sides, in corrected time where there is one, else by the run's own clock", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 6 }] });
    const noise = (upMs: number): NewRecord => ({ ...noiseRecord(0), upMs, atMs: upMs, timeQuality: "none" });
    await bridge.up(bridge.envelope(run, 1, [noise(1_000), noise(2_000)], 6));
    await bridge.up(bridge.envelope(run, 5, [noise(5_000)], 6));
    const gap = async () => (await rangesOfRun(bridge.store.db, "site-1", run, { limit: 9, afterSeq: 2 }))[0];
    expect(await gap()).toEqual({
      state: "outstanding",
      from: 3,
      to: 4,
      fromTime: { seq: 2, upMs: 2_000 },
      toTime: { seq: 5, upMs: 5_000 },
    });
    const body = { upMs: 6_000, utcMs: T0 + 6_000, quality: "gnss" } as const;
    await bridge.up(bridge.envelope(run, 6, [{ upMs: 6_000, atMs: 0, timeQuality: "none", kind: "time", body }]));
    expect(await gap()).toMatchObject({ fromTime: { utcMs: T0 + 2_000 }, toTime: { utcMs: T0 + 5_000 } });
  });

  test("a record that comes before its run's hello is outstanding work, not a loss", async () => {
    await using bridge = await BridgeBench.open();
    await bridge.up(bridge.envelope(newRunId(), 3, [noiseRecord(0)]));
    expect((await accountingOf(bridge.store.db, "site-1")).total).toMatchObject({ outstanding: 2, unexplained: 0 });
    expect(await unexplainedFault(bridge)).toBeUndefined();
  });

  test("raise one fault that names runs and ranges, tell of its change, and clear it when the records come after all", async () => {
    await using bridge = await BridgeBench.open();
    const [run, gone] = [newRunId(), newRunId()];
    await bridge.hello({ runs: [{ run: gone, first: 1, head: 9 }] });
    await bridge.up(bridge.envelope(gone, 4, [noiseRecord(0)], 9));
    bridge.clock.atMs += 1_000;
    await bridge.hello({ session: newRunId(), runs: [{ run, first: 1, head: 0 }] });
    expect((await unexplainedFault(bridge))?.detail).toBe(`8 · ${gone}: 1–3, 5–9`);
    // From another session, on its way since before: what has come is no longer missing.
    await bridge.up(bridge.envelope(gone, 6, [noiseRecord(0)], 9));
    bridge.clock.atMs += 1_000;
    await bridge.hello({ session: newRunId(), runs: [{ run, first: 1, head: 0 }] });
    expect((await unexplainedFault(bridge))?.detail).toBe(`7 · ${gone}: 1–3, 5, 7–9`);
    await bridge.up(bridge.envelope(run, 1, [shed(gone, [[1, 9]], "expired")]));
    expect(await unexplainedFault(bridge)).toBeUndefined();
    const alarms = await bridge.store.db
      .selectFrom("alarms")
      .select("rev")
      .where("rule", "=", "seq-unexplained")
      .execute();
    expect(alarms).toEqual([{ rev: 3 }]);
  });
});

test("the page says it in the words of the contract", () => {
  const n = (value: number) => formatNumber("en", value);
  const words = { stored: n(86_395), expected: n(86_400), outstanding: n(5), unexplained: n(0) };
  expect(translate("en", "accounting.line", words)).toBe("received 86,395 of 86,400, 5 outstanding, 0 unexplained");
});

test("a strip shows the worst of each part, however small it is, and one letter for a run that is all of one kind", () => {
  const whole = withStored(EMPTY_LEDGER_RUN, [[1, 1_000_000]]);
  expect(stripOf(whole, true)).toBe("s");
  const flaw = withHead(
    withStored(EMPTY_LEDGER_RUN, [
      [1, 499_999],
      [500_001, 1_000_000],
    ]),
    1_000_000,
  );
  const strip = stripOf(flaw, true);
  expect(strip).toHaveLength(60);
  expect([strip.indexOf("o"), strip.replaceAll("s", "")]).toEqual([29, "o"]);
  expect(stripOf(flaw, false)).toContain("u");
  expect(stripOf(withDeclared(flaw, [[500_000, 500_000]], "quota"), false).replaceAll("s", "")).toBe("d");
  expect(stripOf(EMPTY_LEDGER_RUN, true)).toBe("");
});

test("a node of 10,000 runs, one of them torn into 5,000 ranges, is summed up without reading their ranges", async () => {
  await using bridge = await BridgeBench.open();
  const { db } = bridge.store;
  const torn = withHead(
    withStored(EMPTY_LEDGER_RUN, rangesOfSeqs(Array.from({ length: 5_000 }, (_, i) => 2 * i + 1))),
    10_000,
  );
  const whole = withStored(EMPTY_LEDGER_RUN, [[1, 1_440]]);
  await db.insertInto("nodes").values({ id: "site-1", created_at_ms: T0 }).execute();
  for (let at = 0; at < 10_000; at += 500) {
    const rows = Array.from({ length: 500 }, (_, i) => {
      const ledger = at + i === 9_999 ? torn : whole;
      return {
        node: "site-1",
        run: newRunId(),
        head: ledger.head,
        stored: JSON.stringify(ledger.stored),
        listed: 1,
        first_received_ms: T0 + at + i,
        last_received_ms: T0 + at + i,
        ...sumsOf(ledger),
      };
    });
    await db.insertInto("runs").values(rows).execute();
  }
  const time = async (name: string, act: () => Promise<unknown>) => {
    const startMs = performance.now();
    await act();
    return [name, Math.round((performance.now() - startMs) * 10) / 10] as const;
  };
  const newest = (await accountingOf(db, "site-1", { which: "open" })).runs[0];
  const tookMs = Object.fromEntries([
    await time("totals", () => totalsOf(db, ["site-1"])),
    await time("openRuns", () => accountingOf(db, "site-1", { which: "open" })),
    await time("pageOf100", () => accountingOf(db, "site-1")),
    await time("rangesWithTimes", () => rangesOfRun(db, "site-1", newest?.run ?? "", { limit: 100 })),
    await time("envelopeOfTornRun", () => bridge.up(bridge.envelope(newest?.run ?? "", 10_002, [noiseRecord(0)]))),
    await time("helloOf500Runs", async () => {
      const runs = await db.selectFrom("runs").select(["run", "head"]).limit(500).execute();
      await bridge.hello({ runs: runs.map(({ run, head }) => ({ run, first: 1, head })) });
    }),
  ]);
  process.stderr.write(`accounts of 10,000 runs ${JSON.stringify({ tookMs })}\n`);
  expect(newest).toMatchObject({ counts: { stored: 5_000, outstanding: 5_000 }, rangeCount: 10_000 });
  expect(newest?.stored).toHaveLength(100);
  expect((await accountingOf(db, "site-1", { which: "open" })).settled.runs).toBe(9_999);
  const plan = await sql`explain query plan
    select node, sum(head), sum(stored_count), sum(gaps) from runs where node in ('site-1') group by node`.execute(db);
  expect(JSON.stringify(plan.rows)).toContain("COVERING INDEX");
});
