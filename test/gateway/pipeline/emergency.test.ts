import { Value } from "typebox/value";
import { expect, test } from "vitest";
import type { MessageReading } from "../../../drivers/driver.ts";
import { openJournal } from "../../../gateway/journal/open-journal.ts";
import { Pipeline } from "../../../gateway/pipeline/pipeline.ts";
import { AlarmBody } from "../../../protocol/alarm.ts";
import type { Subject } from "../../../protocol/ids.ts";
import { laneOf } from "../../../protocol/lane.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";
import { SETTINGS, VirtualNight } from "./virtual-night.ts";

const LI: Subject = { type: "issi", id: "2345678" };
const WANG: Subject = { type: "issi", id: "2345679" };
const TAXI: Subject = { type: "terminal", id: "013800138000" };

/** A radio and a terminal listener without a single rule in the config. */
function controlRoom(): VirtualNight {
  const { site: _, ...noSite } = SETTINGS;
  return new VirtualNight({ ...noSite, rules: [] });
}

function call(night: VirtualNight, subject?: Subject, extra: Partial<MessageReading> = {}): void {
  const reading: MessageReading = { kind: "message", type: "emergency", atMs: night.utcMs, ...extra };
  const from = subject?.type === "terminal" ? "terminals" : "radio";
  night.take(
    night.pipeline.accept({ device: from, ...(subject === undefined ? {} : { subject }), reading }, night.now()),
  );
}

function seen(night: VirtualNight, subject: Subject | undefined, latitudeDeg: number, longitudeDeg: number): void {
  const reading = { kind: "position", latitudeDeg, longitudeDeg, fix: "gnss", atMs: night.utcMs } as const;
  night.take(
    night.pipeline.accept({ device: "radio", ...(subject === undefined ? {} : { subject }), reading }, night.now()),
  );
}

function ids(night: VirtualNight): string[] {
  return [...new Set(night.alarms().map(({ alarmId }) => alarmId))];
}

test("an emergency is an alarm and a record of its words, committed together, alone and at once, the alarm first", () => {
  const night = controlRoom();
  const reading: MessageReading = { kind: "message", type: "emergency", statusCode: 0, atMs: night.utcMs };
  const { writes } = night.pipeline.accept({ device: "radio", subject: LI, reading }, night.now());
  expect(writes.map(({ urgency }) => urgency)).toEqual(["urgent"]);
  const append = writes[0]?.write.append ?? [];
  expect(append.map((record) => [record.kind, record.subject, laneOf(record)])).toEqual([
    ["alarm", LI, 0],
    ["message", LI, 0],
  ]);
  const body = append[0]?.body;
  expect(Value.Check(AlarmBody, body)).toBe(true);
  expect(body).toMatchObject({
    rev: 1,
    phase: "raised",
    family: "emergency",
    nature: "event",
    rule: "emergency",
    ruleKind: "emergency",
    raisedAtMs: reading.atMs,
  });
});

test("emergencies of two handsets at the same second are two alarms, and a terminal's is a third", () => {
  const night = controlRoom();
  call(night, LI);
  call(night, WANG);
  call(night, TAXI);
  expect(ids(night)).toHaveLength(3);
  expect(night.journal.of("alarm").map(({ device, subject }) => [device, subject?.id])).toEqual([
    ["radio", LI.id],
    ["radio", WANG.id],
    ["terminals", TAXI.id],
  ]);
});

test("a call that repeats keeps its alarm, is revised at most every 30 s, and each of its messages is recorded", () => {
  const night = controlRoom();
  for (let second = 0; second < 100; second += 10) {
    call(night, TAXI);
    night.pass(10_000);
  }
  expect(ids(night)).toHaveLength(1);
  expect(night.phases()).toEqual(["raised 1", "updated 2", "updated 3", "updated 4"]);
  expect(night.journal.of("message")).toHaveLength(10);
});

test("within ten minutes after it was last heard a call is the same alarm, raised anew after a silence; later it is another", () => {
  const night = controlRoom();
  call(night, LI);
  night.pass(599_000);
  call(night, LI);
  expect(night.phases()).toEqual(["raised 1", "raised 2"]);
  expect(night.alarms()[1]?.raisedAtMs).toBe(night.utcMs);
  night.pass(601_000);
  call(night, LI);
  expect(ids(night)).toHaveLength(2);
  expect(night.alarms()[2]?.rev).toBe(1);
});

test("an alarm says where its caller is: the message's own place, else where it was seen within ten minutes", () => {
  const night = controlRoom();
  seen(night, LI, 39.91, 116.4);
  seen(night, WANG, 39.95, 116.3);
  call(night, LI);
  call(night, WANG, { position: { latitudeDeg: 40, longitudeDeg: 116 } });
  expect(night.alarms().map(({ position }) => position?.latitudeDeg)).toEqual([39.91, 40]);
  night.pass(1_201_000);
  call(night, LI);
  expect(night.alarms()[2]?.position).toBeUndefined();
});

test("a place that comes after the call revises its alarm at once, and the next ones wait for a repeat", () => {
  const night = controlRoom();
  call(night, LI);
  expect(night.alarms()[0]?.position).toBeUndefined();
  night.pass(2000);
  seen(night, LI, 39.91, 116.4);
  seen(night, WANG, 39.95, 116.3);
  night.pass(2000);
  seen(night, LI, 39.92, 116.4);
  expect(night.phases()).toEqual(["raised 1", "updated 2"]);
  expect(night.alarms()[1]?.position).toEqual({ latitudeDeg: 39.91, longitudeDeg: 116.4 });
});

test("a handset is never said to be where its radio or the site stands; the node's own button is", () => {
  const night = new VirtualNight();
  call(night, LI);
  call(night);
  expect(night.alarms().map(({ position }) => position?.latitudeDeg)).toEqual([undefined, SETTINGS.site?.latitudeDeg]);
});

test("an emergency that is told an hour late has that hour in its record, and never takes a live call's place", () => {
  const night = controlRoom();
  night.pass(7_200_000);
  const hourAgoMs = night.utcMs - 3_600_000;
  call(night, TAXI);
  for (let index = 0; index < 5; index++) call(night, TAXI, { atMs: hourAgoMs + index * 1000 });
  night.pass(5000);
  call(night, TAXI);
  const records = night.journal.of("alarm");
  expect(records.map(({ atMs }) => atMs)).toEqual([night.utcMs - 5000, hourAgoMs]);
  expect((records[0]?.upMs ?? 0) - (records[1]?.upMs ?? 0)).toBe(3_600_000);
  expect(ids(night)).toHaveLength(2);
});

test("an event is never open on the node: nothing is left for the hello, and nothing clears", () => {
  const night = controlRoom();
  call(night, LI);
  expect(night.journal.restore().openAlarms).toEqual([]);
  night.restart(1_000_000);
  night.pass(60_000);
  night.tick();
  expect(night.phases()).toEqual(["raised 1"]);
});

test("after a kill the call goes on under its id from its rev, on the real journal", async () => {
  const directory = temporaryDirectory();
  const utcMs = Date.UTC(2026, 10, 21, 15);
  const bodies: AlarmBody[] = [];
  for (const afterMs of [0, 40_000, 400_000, 1_400_000]) {
    const now = { atMs: utcMs + afterMs, upMs: 1000, timeQuality: "ntp" as const };
    await using journal = await openJournal({ directory, stamp: () => now, groupMs: 0, reserveBytes: 65_536 });
    const pipeline = new Pipeline({ ...SETTINGS, rules: [] }, journal.restored, now);
    const reading: MessageReading = { kind: "message", type: "emergency", atMs: now.atMs };
    for (const subject of [LI, WANG]) {
      for (const { write, urgency } of pipeline.accept({ device: "radio", subject, reading }, now).writes) {
        await journal.write(write, urgency);
        for (const record of write.append ?? []) if (record.kind === "alarm") bodies.push(record.body);
      }
    }
  }
  const [li = [], wang = []] = [0, 1].map((which) => bodies.filter((_, index) => index % 2 === which));
  for (const told of [li, wang]) {
    expect(told.map(({ phase, rev }) => `${phase} ${rev}`)).toEqual(["raised 1", "updated 2", "raised 3", "raised 1"]);
    expect(new Set(told.map(({ alarmId }) => alarmId)).size).toBe(2);
  }
  expect(li[0]?.alarmId).not.toBe(wang[0]?.alarmId);
});

test("a flood of callers and repeats stays within its bounds and gives each caller one alarm", () => {
  const night = controlRoom();
  for (let round = 0; round < 3; round++) {
    for (let id = 1; id <= 2000; id++) call(night, { type: "issi", id: String(id) });
    night.pass(1000);
  }
  expect(ids(night)).toHaveLength(2000);
  expect(night.alarms()).toHaveLength(2000);
});
