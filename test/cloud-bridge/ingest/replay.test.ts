import { describe, expect, test } from "vitest";
import { checkBridgeConfig } from "../../../cloud-bridge/config.ts";
import { deskSettings } from "../../../cloud-bridge/desk-settings.ts";
import { createDesk } from "../../../cloud-bridge/dispatch/desk.ts";
import { findNode } from "../../../cloud-bridge/fleet/node-views.ts";
import { replayKnown } from "../../../cloud-bridge/ingest/replay.ts";
import { noFaultPoints } from "../../../cloud-bridge/store/fault-points.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { encodeEnvelope, sha256Of } from "../../../protocol/envelope.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import { alarmRecord, noiseRecord } from "../../protocol/examples.ts";
import { BridgeBench, T0 } from "./bridge-bench.ts";

const HOUR_MS = 3_600_000;

function deskOver(bridge: BridgeBench) {
  const checked = checkBridgeConfig(
    Buffer.from("listen: { host: 127.0.0.1, mqtt: 0, http: 0 }\nstate: ./x\nstore: sqlite\ntimeZone: Asia/Shanghai\n"),
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  return createDesk({
    db: bridge.store.db,
    clock: bridge.clock,
    settings: deskSettings(checked.config, 1),
    faultPoints: noFaultPoints,
    log: silentLogger,
    publish: () => {},
  });
}

/** What an older program could not read: the bytes of a record that this one can, as they lie in its quarantine. */
async function refusedByAnOlderProgram(
  bridge: BridgeBench,
  run: string,
  seq: number,
  bytes: Uint8Array,
): Promise<void> {
  const broken = Buffer.from(`{"seq":${seq},"kind":"alarm","upMs":"?"}`);
  await bridge.up(encodeEnvelope({ run, head: seq }, [broken]));
  await bridge.store.db
    .updateTable("quarantine")
    .set({ bytes, sha256: sha256Of(bytes), size_bytes: bytes.length })
    .where("run", "=", run)
    .where("seq", "=", seq)
    .execute();
}

describe("a program that can read more than the one before it", () => {
  test("takes up an alarm from quarantine, as late, into the node's case `unreadable alarm`, and only once", async () => {
    await using bridge = await BridgeBench.open();
    const desk = deskOver(bridge);
    const [run, alarmId] = [newRunId(), newAlarmId(T0)];
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] });
    await refusedByAnOlderProgram(bridge, run, 1, encodeRecord(1, alarmRecord(alarmId)));
    await desk.wake();
    bridge.clock.atMs += HOUR_MS;
    expect(await replayKnown(bridge.store.db, bridge.clock.atMs)).toEqual({ quarantined: 1, raw: 0 });
    await desk.wake();
    const joined = await bridge.store.db
      .selectFrom("case_alarms")
      .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
      .select(["case_alarms.case_id", "case_alarms.how", "alarms.rule", "alarms.late"])
      .execute();
    const unreadable = joined.find(({ rule }) => rule === "unreadable-alarm");
    expect(joined.find(({ rule }) => rule === "night-noise")).toMatchObject({
      case_id: unreadable?.case_id,
      how: "replayed",
      late: 1,
    });
    expect(await bridge.count("inbox")).toBe(1);
    expect(await replayKnown(bridge.store.db, bridge.clock.atMs)).toEqual({ quarantined: 0, raw: 0 });
    await bridge.store.db.deleteFrom("meta").where("key", "=", "reader").execute();
    expect(await replayKnown(bridge.store.db, bridge.clock.atMs)).toEqual({ quarantined: 0, raw: 0 });
    await desk.wake();
    expect(await bridge.count("alarms")).toBe(3);
  });

  test("takes up what was stored raw since its kind was unknown, and leaves alone what it knew then", async () => {
    await using bridge = await BridgeBench.open();
    await replayKnown(bridge.store.db, T0);
    const run = newRunId();
    const alarmId = newAlarmId(T0);
    await bridge.hello({ runs: [{ run, first: 1, head: 2 }] });
    await bridge.up(bridge.envelope(run, 1, [noiseRecord(0), alarmRecord(alarmId)], 2, 1));
    // The older program did not know alarms.
    await bridge.store.db.deleteFrom("alarms").where("alarm_id", "=", alarmId).execute();
    const meta = bridge.store.db.updateTable("meta");
    await meta
      .set({ value: JSON.stringify(["noise", "start"]) })
      .where("key", "=", "kinds")
      .execute();
    await meta.set({ value: "older" }).where("key", "=", "reader").execute();
    expect(await replayKnown(bridge.store.db, T0)).toEqual({ quarantined: 0, raw: 1 });
    const row = await bridge.store.db
      .selectFrom("alarms")
      .select("alarm_id")
      .where("family", "=", "noise")
      .executeTakeFirst();
    expect(row?.alarm_id).toBe(alarmId);
  });

  test("leaves what is still no record where it lies", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] });
    await bridge.up(encodeEnvelope({ run, head: 1 }, [Buffer.from('{"seq":1,"kind":"alarm"}')]));
    expect(await replayKnown(bridge.store.db, T0)).toEqual({ quarantined: 0, raw: 0 });
    const { faults } = await findNode(bridge.store.db, "site-1", T0);
    expect(faults.map(({ rule }) => rule).sort()).toEqual(["quarantine", "unreadable-alarm"]);
  });
});

test("a node that writes no version of ours is told so, and a case is owed for it until it writes one", async () => {
  await using bridge = await BridgeBench.open();
  const run = newRunId();
  const hello = (versions: number[]) =>
    Buffer.from(
      JSON.stringify({
        v: 1,
        type: "hello",
        session: bridge.session,
        versions,
        page: 0,
        last: true,
        current: run,
        runs: [{ run, first: 1, head: 1 }],
        open: [],
      }),
    );
  const faults = async () => (await findNode(bridge.store.db, "site-1", T0)).faults.map(({ rule }) => rule);
  expect(await bridge.up(hello([2, 3]))).toMatchObject([{ type: "have", versions: [1] }]);
  expect(await faults()).toEqual(["version-unreadable"]);
  await bridge.up(hello([1, 2]));
  expect(await faults()).toEqual([]);
});
