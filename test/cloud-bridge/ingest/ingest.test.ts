import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { accountingOf } from "../../../cloud-bridge/fleet/accounting.ts";
import { findNode } from "../../../cloud-bridge/fleet/node-views.ts";
import { encodeEnvelope, sha256Of } from "../../../protocol/envelope.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import { DICTIONARIES, type Packing } from "../../../protocol/packing.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import { alarmRecord, noiseRecord } from "../../protocol/examples.ts";
import { BridgeBench, T0 } from "./bridge-bench.ts";

const head = { upMs: 0, atMs: T0, timeQuality: "none" } as const;
const time = (upMs: number, utcMs: number): NewRecord => ({
  ...head,
  upMs,
  kind: "time",
  body: { upMs, utcMs, quality: "gnss" },
});
const start: NewRecord = {
  ...head,
  kind: "start",
  body: {
    reason: "first",
    version: "0.1.0",
    configSha256: "0".repeat(64),
    site: { name: "Guanghua Road block 7", timeZone: "Asia/Shanghai", latitudeDeg: 39.912, longitudeDeg: 116.456 },
    devices: [{ id: "noise-01", driver: "modbus-noise", quantity: "LAeq1s" }],
  },
};
const shed = (run: string, ranges: [number, number][]): NewRecord => ({
  ...head,
  kind: "shed",
  body: { run, ranges, reason: "expired" },
});

describe("ingest", () => {
  test("answers hello from the ledger, and gives a receipt only for what is committed", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    const [have] = await bridge.hello({ runs: [{ run, first: 1, head: 3 }] });
    expect(have).toMatchObject({
      type: "have",
      bridge: bridge.store.bridge,
      epoch: bridge.epoch,
      runs: [{ run, through: 3, missing: [[1, 3]], declared: [] }],
    });
    const answers = await bridge.up(bridge.envelope(run, 1, [start, noiseRecord(0), noiseRecord(1)]));
    expect(answers).toEqual([
      { v: 1, type: "receipt", bridge: bridge.store.bridge, epoch: bridge.epoch, run, ranges: [[1, 3]], refused: [] },
    ]);
    expect(await bridge.count("inbox")).toBe(3);
    expect((await accountingOf(bridge.store.db, "site-1")).total).toMatchObject({
      expected: 3,
      stored: 3,
      outstanding: 0,
      unexplained: 0,
    });
  });

  test("a repeat is answered and stored once; the bytes stored are those that came", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] });
    const envelope = bridge.envelope(run, 1, [noiseRecord(0)]);
    await bridge.up(envelope);
    expect(await bridge.up(envelope)).toMatchObject([{ type: "receipt", ranges: [[1, 1]] }]);
    expect(await bridge.count("inbox")).toBe(1);
    const row = await bridge.store.db.selectFrom("inbox").selectAll().executeTakeFirstOrThrow();
    expect(Buffer.from(row.bytes).toString()).toBe(Buffer.from(encodeRecord(1, noiseRecord(0))).toString());
    expect(row.sha256).toBe(sha256Of(row.bytes));
  });

  test("a store that breaks gives no receipt, loses nothing, and goes on once it is whole", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] });
    await bridge.store.db.schema.alterTable("inbox").renameTo("broken").execute();
    const envelope = bridge.envelope(run, 1, [noiseRecord(0)]);
    expect(await bridge.up(envelope)).toEqual([]);
    expect((await accountingOf(bridge.store.db, "site-1")).total).toMatchObject({ stored: 0, outstanding: 1 });
    await bridge.store.db.schema.alterTable("broken").renameTo("inbox").execute();
    expect(await bridge.up(envelope)).toMatchObject([{ type: "receipt", ranges: [[1, 1]] }]);
  });

  test("a message that no store can take does not cost the others of its batch", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] });
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] }, "site-2");
    await sql`CREATE UNIQUE INDEX one_of_a_kind ON inbox (kind, received_at_ms) WHERE node = 'site-2'`.execute(
      bridge.store.db,
    );
    const good = bridge.envelope(run, 1, [noiseRecord(0)]);
    const before = bridge.answers.length;
    await Promise.all([
      bridge.ingest.onUp("site-1", good),
      bridge.ingest.onUp("site-2", bridge.envelope(run, 1, [noiseRecord(0), noiseRecord(1)])),
    ]);
    await bridge.ingest.idle();
    expect(bridge.answers.slice(before).map(({ node, message }) => [node, message.type])).toEqual([
      ["site-1", "receipt"],
    ]);
  });

  test("an alarm commits with its follow-up, once, whatever comes again", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    const alarmId = newAlarmId(T0);
    await bridge.hello({ runs: [{ run, first: 1, head: 2 }] });
    const raised = bridge.envelope(run, 1, [alarmRecord(alarmId)], 2, 2_000);
    await bridge.up(raised);
    await bridge.up(raised);
    await bridge.up(bridge.envelope(run, 2, [alarmRecord(alarmId, { rev: 2, phase: "updated" })], 2, 3_000));
    expect(await bridge.count("alarms")).toBe(1);
    expect(await bridge.count("follow_up")).toBe(1);
    const alarm = await bridge.store.db.selectFrom("alarms").selectAll().executeTakeFirstOrThrow();
    expect(alarm).toMatchObject({ rev: 2, late: 0, superseded: 0 });
  });

  test("an alarm is late by its run's own clock, whatever its stamp says; without any clock it is live and says so", async () => {
    await using bridge = await BridgeBench.open();
    const [current, ended, dark] = [newRunId(), newRunId(), newRunId()];
    const ids = [newAlarmId(1), newAlarmId(2), newAlarmId(3)];
    const alarm = (i: number): NewRecord => ({
      ...alarmRecord(ids[i] ?? ""),
      upMs: 1_000,
      atMs: 5,
      timeQuality: "none",
    });
    await bridge.hello({
      runs: [
        { run: current, first: 1, head: 1 },
        { run: ended, first: 1, head: 2 },
        { run: dark, first: 1, head: 1 },
      ],
    });
    await bridge.up(bridge.envelope(current, 1, [alarm(0)], 1, 1_000 + 601_000));
    await bridge.up(bridge.envelope(ended, 1, [time(0, T0 - 86_400_000), alarm(1)]));
    await bridge.up(bridge.envelope(dark, 1, [alarm(2)]));
    const rows = await bridge.store.db
      .selectFrom("alarms")
      .select(["alarm_id", "late", "rule"])
      .where("family", "=", "noise")
      .orderBy("alarm_id")
      .execute();
    expect(rows.map(({ late }) => late)).toEqual([1, 1, 0]);
    const faults = (await findNode(bridge.store.db, "site-1", T0)).faults;
    expect(faults).toMatchObject([{ rule: "clock-untrusted" }]);
  });

  test("a time record dates what nobody could date, and re-stamps nothing", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 2 }] });
    await bridge.up(bridge.envelope(run, 1, [{ ...noiseRecord(0), upMs: 5_000, atMs: 7, timeQuality: "none" }]));
    await bridge.up(bridge.envelope(run, 2, [time(9_000, T0)]));
    const row = await bridge.store.db.selectFrom("inbox").selectAll().where("seq", "=", 1).executeTakeFirstOrThrow();
    expect(row).toMatchObject({ at_ms: 7, corrected_at_ms: T0 - 4_000 });
  });

  test("what is declared is no longer outstanding, and a late arrival withdraws the declaration", async () => {
    await using bridge = await BridgeBench.open();
    const [run, old] = [newRunId(), newRunId()];
    await bridge.hello({
      runs: [
        { run, first: 1, head: 1 },
        { run: old, first: 1, head: 4 },
      ],
    });
    await bridge.up(bridge.envelope(run, 1, [shed(old, [[1, 4]])]));
    expect((await accountingOf(bridge.store.db, "site-1")).total).toMatchObject({ declared: 4, outstanding: 0 });
    await bridge.up(bridge.envelope(old, 2, [noiseRecord(2)], 4));
    const { runs } = await accountingOf(bridge.store.db, "site-1");
    expect(runs.find(({ run: id }) => id === old)).toMatchObject({
      stored: [[2, 2]],
      declared: [
        [1, 1],
        [3, 4],
      ],
    });
  });

  test("a gap in a run that hello no longer lists is unexplained, and somebody hears of it", async () => {
    await using bridge = await BridgeBench.open();
    const [run, swapped] = [newRunId(), newRunId()];
    await bridge.hello({ runs: [{ run: swapped, first: 1, head: 3 }] });
    await bridge.up(bridge.envelope(swapped, 3, [noiseRecord(0)]));
    await bridge.hello({ runs: [{ run, first: 1, head: 0 }] });
    expect((await accountingOf(bridge.store.db, "site-1")).total).toMatchObject({ unexplained: 2, outstanding: 0 });
    expect((await findNode(bridge.store.db, "site-1", T0)).faults).toMatchObject([{ rule: "seq-unexplained" }]);
    await bridge.hello({
      runs: [
        { run, first: 1, head: 0 },
        { run: swapped, first: 1, head: 3 },
      ],
    });
    expect((await accountingOf(bridge.store.db, "site-1")).total).toMatchObject({ unexplained: 0, outstanding: 2 });
    expect((await findNode(bridge.store.db, "site-1", T0)).faults).toEqual([]);
  });

  test("alarms are settled by the hello of the session that state names, once all up to its heads is there", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    const alarmId = newAlarmId(T0);
    const superseded = async () =>
      (await bridge.store.db.selectFrom("alarms").select("superseded").executeTakeFirstOrThrow()).superseded;
    await bridge.online();
    await bridge.hello({ runs: [{ run, first: 1, head: 2 }] });
    await bridge.up(bridge.envelope(run, 1, [alarmRecord(alarmId)], 2, 2_000));
    expect(await superseded()).toBe(0);
    await bridge.up(bridge.envelope(run, 2, [noiseRecord(0)]));
    expect(await superseded()).toBe(1);
    await bridge.hello({ runs: [{ run, first: 1, head: 2 }], open: [alarmId] });
    expect(await superseded()).toBe(0);
    await bridge.hello({ runs: [{ run, first: 1, head: 2 }], session: newRunId() });
    expect(await superseded()).toBe(0);
  });

  test("a will of another session is ignored", async () => {
    await using bridge = await BridgeBench.open();
    const will = (session: string) =>
      bridge.ingest.onState("site-1", Buffer.from(JSON.stringify({ v: 1, online: false, session, version: "1" })));
    await bridge.online();
    await will(newRunId());
    expect((await findNode(bridge.store.db, "site-1", T0)).presence.transport).toBe("connected");
    await will(bridge.session);
    expect((await findNode(bridge.store.db, "site-1", T0)).presence.transport).toBe("disconnected");
  });

  test("the start record makes the site and binds its devices where nobody has", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] });
    await bridge.up(bridge.envelope(run, 1, [start], 1, 10));
    expect(await findNode(bridge.store.db, "site-1", T0)).toMatchObject({ siteId: "site-1", version: "0.1.0" });
    const binding = await bridge.store.db.selectFrom("bindings").selectAll().executeTakeFirstOrThrow();
    expect(binding).toMatchObject({ device: "noise-01", site_id: "site-1", from_ms: T0 - 10 });
  });

  test("an envelope before any hello is stored all the same, and its node is asked to say hello", async () => {
    await using bridge = await BridgeBench.open();
    const answers = await bridge.up(bridge.envelope(newRunId(), 1, [noiseRecord(0)]));
    expect(answers.map(({ type }) => type)).toEqual(["receipt", "say-hello"]);
  });

  test("a late envelope that raises the head of an ended run makes the bridge ask for what lies between", async () => {
    await using bridge = await BridgeBench.open();
    const [run, ended] = [newRunId(), newRunId()];
    await bridge.hello({
      current: run,
      runs: [
        { run, first: 1, head: 0 },
        { run: ended, first: 1, head: 1 },
      ],
    });
    expect((await bridge.up(bridge.envelope(ended, 1, [noiseRecord(0)]))).map(({ type }) => type)).toEqual(["receipt"]);
    const late = bridge.envelope(ended, 2, [noiseRecord(1)], 5);
    expect((await bridge.up(late)).map(({ type }) => type)).toEqual(["receipt", "say-hello"]);
    expect((await bridge.up(late)).map(({ type }) => type)).toEqual(["receipt"]);
  });

  test("the bridge's restart keeps the hello, the ledger and the id, and draws another epoch", async () => {
    const before = await BridgeBench.open();
    const run = newRunId();
    await before.hello({ runs: [{ run, first: 1, head: 2 }] });
    await before.up(before.envelope(run, 1, [noiseRecord(0)], 2));
    await before.close();
    await using after = await BridgeBench.open({}, before.state);
    const answers = await after.up(after.envelope(run, 2, [noiseRecord(1)], 2));
    expect(answers).toMatchObject([{ type: "receipt", bridge: before.store.bridge, ranges: [[2, 2]] }]);
    expect(after.epoch).not.toBe(before.epoch);
  });
});

describe("what cannot be read", () => {
  test("is kept in quarantine, counted as stored, refused by seq, and heard of if it may have been an alarm", async () => {
    await using bridge = await BridgeBench.open({ quarantineBytes: 300 });
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 3 }] });
    const bad = Buffer.from(`{"seq":2,"upMs":1,"atMs":1,"timeQuality":"none","kind":"alarm","body":{}}`);
    const worse = Buffer.from(`{"seq":3,"rubbish":"${"x".repeat(300)}`);
    const answers = await bridge.up(encodeEnvelope({ run, head: 3 }, [encodeRecord(1, noiseRecord(0)), bad, worse]));
    expect(answers).toMatchObject([
      {
        type: "receipt",
        ranges: [[1, 3]],
        refused: [
          { seq: 2, code: "ITEM_BODY" },
          { seq: 3, code: "ITEM_NOT_JSON" },
        ],
      },
    ]);
    const kept = await bridge.store.db.selectFrom("quarantine").selectAll().orderBy("seq").execute();
    expect(kept.map(({ bytes }) => bytes === null)).toEqual([false, true]);
    const faults = (await findNode(bridge.store.db, "site-1", T0)).faults.map(({ rule }) => rule).sort();
    expect(faults).toEqual(["quarantine", "unreadable-alarm"]);
  });

  test("a number that no store can hold is refused with its record, which would else come again for ever", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    const alarmId = newAlarmId(T0);
    const part = { name: "clip", type: "clip", sizeBytes: 1e300, sha256: "0".repeat(64), fromMs: 0, toMs: 1 };
    const { body: raised } = alarmRecord(alarmId);
    const lost = { evidenceId: "e-2", alarmId, part: "clip", sha256: part.sha256, sizeBytes: 1e300, reason: "gone" };
    const bodies: [string, unknown][] = [
      ["shed", { run, ranges: [[1, 1e300]], reason: "quota" }],
      ["start", { ...(start.body as object), previous: { run: newRunId(), lastSeq: 1e300 } }],
      ["evidence", { evidenceId: "e-1", alarmId, parts: [part], missing: [] }],
      ["evidence-lost", lost],
      ["alarm", { ...(raised as object), rev: 1e300 }],
      ["act", { n: 1e300, assignmentId: "a-1", act: "acknowledge" }],
    ];
    const items = bodies.map(([kind, body], i) =>
      Buffer.from(
        JSON.stringify({ seq: i + 1, upMs: 0, atMs: T0, timeQuality: "ntp", kind, device: "noise-01", body }),
      ),
    );
    for (const [i, item] of items.entries()) {
      const answers = await bridge.up(encodeEnvelope({ run, head: items.length + 1 }, [item]));
      const refused = [{ seq: i + 1, code: "ITEM_BODY" }];
      expect(answers, bodies[i]?.[0]).toContainEqual(expect.objectContaining({ type: "receipt", refused }));
    }
    const last = await bridge.up(bridge.envelope(run, items.length + 1, [noiseRecord(0)]));
    expect(last).toContainEqual(expect.objectContaining({ type: "receipt", refused: [] }));
  });

  test("the same key with other bytes is an integrity fault: kept apart, and heard if it is an alarm", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    const alarmId = newAlarmId(T0);
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] });
    await bridge.up(bridge.envelope(run, 1, [noiseRecord(0)]));
    const answers = await bridge.up(bridge.envelope(run, 1, [alarmRecord(alarmId)], 1, 2_000));
    expect(answers).toMatchObject([{ type: "receipt", ranges: [[1, 1]], refused: [] }]);
    const [kept] = await bridge.store.db.selectFrom("quarantine").selectAll().execute();
    expect(kept).toMatchObject({ code: "RECORD_CLASH", kind: "alarm" });
    const alarm = await bridge.store.db.selectFrom("alarms").select("alarm_id").where("family", "=", "noise").execute();
    expect(alarm).toEqual([{ alarm_id: alarmId }]);
    expect(await bridge.count("inbox")).toBe(1);
  });

  test("an envelope that does not open is answered by its hash; of an unknown version by say-hello and a fault", async () => {
    await using bridge = await BridgeBench.open();
    const rubbish = Buffer.from("rubbish");
    expect(await bridge.up(rubbish)).toMatchObject([{ type: "undecodable", sha256: sha256Of(rubbish) }]);
    const future = Buffer.from(`{"v":9,"run":"${newRunId()}","head":1,"count":1}\n{}`);
    expect(await bridge.up(future)).toMatchObject([{ type: "say-hello" }]);
    expect((await findNode(bridge.store.db, "site-1", T0)).faults).toMatchObject([{ rule: "version-unreadable" }]);
  });

  test("who sends with the dictionary is answered with it, who sends without is not, and every have names it", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    expect(await bridge.hello({ runs: [{ run, first: 1, head: 3 }] })).toMatchObject([{ dictionaries: DICTIONARIES }]);
    const send = (seq: number, packing: Packing) =>
      bridge.ingest.onUp("site-1", encodeEnvelope({ run, head: 3 }, [encodeRecord(seq, noiseRecord(seq))], packing));
    const before = bridge.answers.length;
    await send(1, "dictionary");
    await bridge.ingest.idle();
    await send(2, "zstd");
    await send(3, "dictionary");
    await bridge.ingest.idle();
    expect(bridge.answers.slice(before)).toMatchObject([
      { message: { ranges: [[1, 1]] }, packing: "dictionary" },
      { message: { ranges: [[2, 3]] }, packing: "plain" },
    ]);
    expect(await bridge.count("inbox")).toBe(3);
  });

  test("an item without a number is answered by its envelope's hash, after the others' receipt", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 2 }] });
    const bytes = encodeEnvelope({ run, head: 2 }, [encodeRecord(1, noiseRecord(0)), Buffer.from("??")]);
    expect(await bridge.up(bytes)).toMatchObject([
      { type: "receipt", ranges: [[1, 1]] },
      { type: "undecodable", sha256: sha256Of(bytes) },
    ]);
  });

  test("one fault case stands for an undecodable alarm that the node declares", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 2 }] });
    const body = { run, ranges: [[1, 1]] as [number, number][], reason: "undecodable", kind: "alarm" } as const;
    await bridge.up(bridge.envelope(run, 2, [{ ...head, kind: "shed", body }], 2));
    const faults = (await findNode(bridge.store.db, "site-1", T0)).faults.map(({ rule }) => rule).sort();
    expect(faults).toEqual(["shed", "unreadable-alarm"]);
  });

  test("two boxes with one id are noticed, and both are kept", async () => {
    await using bridge = await BridgeBench.open();
    const [a, b] = [newRunId(), newRunId()];
    for (const run of [a, b, a]) await bridge.hello({ runs: [{ run, first: 1, head: 1 }], session: newRunId() });
    const rules = (await findNode(bridge.store.db, "site-1", T0)).faults.map(({ rule }) => rule);
    expect(rules).toContain("node-id-shared");
  });
});
