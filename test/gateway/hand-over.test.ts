import { expect, test } from "vitest";
import type { JournalRestore } from "../../gateway/contracts/journal.ts";
import { takeUp } from "../../gateway/hand-over.ts";
import type { Parts } from "../../gateway/ownerless-alarms.ts";
import { CAMERA } from "../fakes/camera-rig.ts";
import { alarm, alarmBody, health, NOON_MS, position } from "./journal/sample-records.ts";

const NOW = { upMs: 7, atMs: NOON_MS + 5000, timeQuality: "ntp" } as const;
const EMPTY: JournalRestore = { run: "r2", wasClean: true, openAlarms: [], recentAlarms: [], levels: [] };
const ALL: Parts = { cameras: [CAMERA], page: { host: "127.0.0.1", port: 8090 } };
const open = (rev: number) => ({ device: "noise-01", subject: "", body: alarmBody(rev) });

test("without an earlier gateway in this process the file's word holds", () => {
  expect(takeUp(EMPTY, undefined, NOW, ALL)).toEqual({ restored: EMPTY, writes: [] });
});

test("what was never committed is dated by its own UTC and by this run's start, and says nothing of the run before", () => {
  const before = {
    writes: [
      { urgency: "urgent", write: { append: [alarm()], openAlarms: [open(1)] } },
      { urgency: "grouped", write: { append: [health()] } },
      { urgency: "grouped", write: { append: [position(), health()] } },
    ],
    openAlarms: [open(1)],
  } as const;
  const { restored, writes } = takeUp(EMPTY, before, NOW, ALL);
  expect(restored.openAlarms).toEqual([open(1)]);
  expect(writes).toEqual([
    { urgency: "urgent", write: { append: [{ ...alarm(), upMs: 7 }], openAlarms: [open(1)] } },
    { urgency: "grouped", write: { append: [{ ...position(), upMs: 7 }] } },
  ]);
});

test("an alarm whose newest revision lies only in the file set aside is told again, and stays open", () => {
  const { restored, writes } = takeUp(EMPTY, { writes: [], openAlarms: [open(3)] }, NOW, ALL);
  expect(restored.openAlarms).toEqual([open(3)]);
  expect(writes).toEqual([
    {
      urgency: "urgent",
      write: { append: [{ ...alarm(3), ...NOW, body: alarmBody(3) }], openAlarms: [open(3)] },
    },
  ]);
});

test("an alarm that the file knows is not told twice; one whose clearing waits is not open", () => {
  const known = takeUp({ ...EMPTY, openAlarms: [open(2)] }, { writes: [], openAlarms: [open(2)] }, NOW, ALL);
  expect(known.writes).toEqual([]);
  const waits = { urgency: "urgent", write: { append: [alarm(3, "cleared")], closedAlarms: [alarmBody().alarmId] } };
  const closed = takeUp({ ...EMPTY, openAlarms: [open(2)] }, { writes: [waits as never], openAlarms: [] }, NOW, ALL);
  expect(closed.restored.openAlarms).toEqual([]);
  expect(closed.writes).toHaveLength(1);
});

test.each([
  { ruleKind: "camera-watch", device: "gate", lacks: { cameras: [] } },
  { ruleKind: "test", device: "", lacks: { page: undefined } },
])(
  "an alarm of $ruleKind whose part the config no longer has is cleared at the start",
  ({ ruleKind, device, lacks }) => {
    const left = { device, subject: "", body: { ...alarmBody(1), alarmId: "a1", family: "fault", ruleKind } } as const;
    const file = { ...EMPTY, openAlarms: [left, open(1)] };
    expect(takeUp(file, undefined, NOW, ALL)).toEqual({ restored: file, writes: [] });
    for (const before of [undefined, { writes: [], openAlarms: [left, open(1)] }]) {
      const { restored, writes } = takeUp(file, before, NOW, { ...ALL, ...lacks } as Parts);
      expect(restored.openAlarms).toEqual([open(1)]);
      const end = { rev: 2, phase: "cleared", clearReason: "rule-removed", stateAtMs: NOW.atMs };
      const record = { ...NOW, kind: "alarm", ...(device !== "" && { device }), body: { ...left.body, ...end } };
      expect(writes).toMatchObject([
        { urgency: "urgent", write: { append: [record], closedAlarms: [left.body.alarmId] } },
      ]);
      expect(writes[0]?.write.append?.[0]?.device).toBe(device === "" ? undefined : device);
    }
  },
);
