import { expect, test } from "vitest";
import type { JournalRestore, JournalWrite } from "../../../../gateway/contracts/journal.ts";
import type { CameraEvidenceRequest, FrameSource, SmallFrame } from "../../../../gateway/contracts/vision.ts";
import { CameraJudge, type CameraJudgeOptions } from "../../../../gateway/vision/judge/camera-judge.ts";
import { MotionGate } from "../../../../gateway/vision/judge/motion-gate.ts";
import { ViolationAlarms } from "../../../../gateway/vision/judge/violation-alarms.ts";
import { ViolationWatch } from "../../../../gateway/vision/judge/violation-watch.ts";
import type { Detection } from "../../../../gateway/vision/models/picture.ts";
import { RULE } from "./scene.ts";

const SIZE = { width: 160, height: 96 };
const START_MS = 1_790_000_000_000;
const TRUCK: Detection = { label: "truck", score: 0.9, box: [40, 20, 60, 40] };

/** Grey with some noise, and a bright square. */
function frame(upMs: number, square?: { readonly x: number; readonly y: number }, light = 100): SmallFrame {
  const rgb = new Uint8Array(SIZE.width * SIZE.height * 3);
  for (let at = 0; at < rgb.length; at++) rgb[at] = light + ((at * 7919 + upMs * 31) % 7);
  if (square !== undefined) {
    for (let y = square.y; y < square.y + 16; y++)
      rgb.fill(220, (y * SIZE.width + square.x) * 3, (y * SIZE.width + square.x + 16) * 3);
  }
  return { cameraId: "gate", atMs: START_MS + upMs, upMs, ...SIZE, rgb };
}

const MOTION = { heartbeatS: 10, motionHoldS: 2, motionStep: 14, motionPart: 0.003 };

test("the gate lets motion through, a heartbeat, and neither noise, a lamp, nor what moves below a mask", () => {
  const gate = new MotionGate({
    ...MOTION,
    masks: [
      [
        [0, 0],
        [0.5, 0],
        [0.5, 1],
        [0, 1],
      ],
    ],
  });
  const reasons = (fromS: number, toS: number, square?: (s: number) => { x: number; y: number }, light?: number) => {
    const found: (string | undefined)[] = [];
    for (let s = fromS; s < toS; s += 0.5) found.push(gate.wants(frame(s * 1000, square?.(s), light), false));
    return found;
  };
  expect(reasons(0, 9)).toEqual(["first", ...Array.from({ length: 17 }, () => undefined)]);
  expect(reasons(9, 11)).toEqual([undefined, undefined, "heartbeat", undefined]);
  // A lamp is switched on: all of it becomes brighter.
  expect(new Set(reasons(11, 19, undefined, 140))).toEqual(new Set([undefined]));
  expect(new Set(reasons(19, 20, (s) => ({ x: 8 + 16 * Math.round((s - 19) * 2), y: 40 }), 140))).toEqual(
    new Set([undefined]),
  );
  expect(reasons(20, 22.5, (s) => ({ x: 88 + 8 * Math.round((s - 20) * 2), y: 40 }), 140).at(-1)).toBe("motion");
  // It stands: within some seconds it belongs to the picture.
  expect(
    reasons(22.5, 120, () => ({ x: 120, y: 40 }), 140)
      .slice(-20)
      .filter((reason) => reason === "motion"),
  ).toEqual([]);
  expect(gate.wants(frame(121_000, undefined, 140), true)).toBeDefined();
});

test("a picture of another size starts anew", () => {
  const gate = new MotionGate({ ...MOTION, masks: [] });
  gate.wants(frame(0), false);
  const small = { ...frame(500), width: 80, height: 48, rgb: new Uint8Array(80 * 48 * 3) };
  expect(gate.wants(small, false)).toBe("first");
});

function judge(options: Partial<CameraJudgeOptions> = {}, isMobile = false) {
  const watch = new ViolationWatch({ ...RULE, dwellS: 3 });
  const phases: string[] = [];
  const frames: FrameSource = { cameraId: "gate", isMobile, skipped: 0, next: () => new Promise(() => undefined) };
  const one = new CameraJudge({
    frames,
    masks: [],
    motion: MOTION,
    tracker: { inertiaS: 6 },
    rules: [{ watch, maxSpeedMps: 1, isArmed: () => true, decided: ({ phase }) => phases.push(phase) }],
    detect: async () => [TRUCK],
    ready: async () => undefined,
    speedMps: () => undefined,
    onPicture: () => undefined,
    upMs: () => 0,
    ...options,
  });
  return { one, phases };
}

test("a truck that stands still is judged picture by picture until it is an alarm, then by heartbeat", async () => {
  const { one, phases } = judge();
  for (let s = 0; s < 60; s += 0.5) await one.take(frame(s * 1000));
  expect(phases).toEqual(["raised"]);
  const { frames, judged } = one.facts;
  expect(frames).toBe(120);
  // The first, a heartbeat that confirms it, six or seven for the dwell, one in ten seconds.
  expect(judged).toBeLessThan(20);
});

test("from a vehicle that drives nothing is judged; one that stands is, also without a fix", async () => {
  let speed: number | undefined = 12;
  let asked = 0;
  const { one, phases } = judge(
    {
      speedMps: () => speed,
      detect: async () => {
        asked++;
        return [TRUCK];
      },
    },
    true,
  );
  for (let s = 0; s < 30; s += 0.5) await one.take(frame(s * 1000));
  expect([asked, phases, one.facts.drivenPast]).toEqual([0, [], 60]);
  speed = 0.3;
  for (let s = 30; s < 60; s += 0.5) await one.take(frame(s * 1000));
  expect(phases).toEqual(["raised"]);
  speed = undefined;
  for (let s = 60; s < 90; s += 0.5) await one.take(frame(s * 1000));
  expect(phases).toEqual(["raised"]);
});

/** One vehicle, two rules: `gate` looks for trucks at a stand only, the other one for people also on the move. */
function twoSpeeds() {
  const now = { speedMps: 0, things: [TRUCK] as readonly Detection[] };
  const told: string[] = [];
  const trucks = new ViolationWatch({ ...RULE, dwellS: 15 });
  const people = new ViolationWatch({ ...RULE, name: "people", classes: ["person"], dwellS: 3 });
  const { one } = judge(
    {
      rules: [
        {
          watch: trucks,
          maxSpeedMps: 1,
          isArmed: () => true,
          decided: ({ phase, hasLeft }) => told.push(hasLeft ? "left" : phase),
        },
        { watch: people, maxSpeedMps: 20, isArmed: () => true, decided: () => told.push("people") },
      ],
      speedMps: () => now.speedMps,
      detect: async () => now.things,
    },
    true,
  );
  const pass = async (fromS: number, toS: number): Promise<number> => {
    const before = one.facts.judged;
    // Something always moves before a vehicle that drives.
    const square = (s: number) => (now.speedMps > 1 ? { x: 8 * ((s * 2) % 16), y: 40 } : undefined);
    for (let s = fromS; s < toS; s += 0.5) await one.take(frame(s * 1000, square(s)));
    return one.facts.judged - before;
  };
  return { now, told, pass };
}

test("a rule that cannot judge at this speed begins anew after it, while another one judges on", async () => {
  const { now, told, pass } = twoSpeeds();
  await pass(0, 12);
  // It has stood there for twelve of its fifteen seconds when the vehicle drives on behind it.
  now.speedMps = 12;
  await pass(12, 40);
  now.speedMps = 0;
  await pass(40, 54);
  expect(told).toEqual([]);
  await pass(54, 70);
  expect(told).toEqual(["raised"]);
  // What it has raised is over when the vehicle drives on.
  now.speedMps = 12;
  await pass(70, 72);
  expect(told).toEqual(["raised", "left"]);
});

test("what a rule waited for while the vehicle stood keeps no detector busy once it is gone", async () => {
  const { now, told, pass } = twoSpeeds();
  await pass(0, 12);
  now.speedMps = 12;
  now.things = [];
  await pass(12, 40);
  now.speedMps = 0;
  // What moved last is learnt within seconds; then one picture in ten seconds is judged.
  await pass(40, 80);
  expect(await pass(80, 140)).toBeLessThanOrEqual(6);
  expect(told).toEqual([]);
});

test("a detector that is away costs pictures, not the loop, which waits for it", async () => {
  const queue = Array.from({ length: 4 }, (_, index) => frame(index * 11_000));
  const stop = new AbortController();
  let isUp = false;
  let waited = 0;
  const frames: FrameSource = {
    cameraId: "gate",
    isMobile: false,
    skipped: 0,
    next: async () => {
      const next = queue.shift();
      if (next !== undefined) return next;
      stop.abort();
      throw new Error("ended");
    },
  };
  const { one } = judge({
    frames,
    detect: async () => {
      if (isUp) return [];
      throw new Error("down");
    },
    ready: async () => {
      waited++;
      isUp = true;
    },
  });
  await one.run(stop.signal);
  expect(one.facts).toMatchObject({ frames: 4, failed: 1, judged: 3 });
  expect(waited).toBe(1);
});

function alarms(recent: JournalRestore["recentAlarms"] = []) {
  const requests: CameraEvidenceRequest[] = [];
  const evidence = { request: (request: CameraEvidenceRequest) => [`${requests.push(request)}-still`] };
  const judgedBy = () => ({
    rule: "gate",
    ruleVersion: "0123456789abcdef",
    model: { name: "m", sha256: "a".repeat(64), licence: "Apache-2.0" },
  });
  const one = new ViolationAlarms({
    cameraId: "gate",
    rule: RULE,
    judgedBy,
    evidence,
    recent,
    position: () => undefined,
  });
  return { one, requests };
}

const stamp = (atMs: number) => ({ atMs, upMs: atMs - START_MS, timeQuality: "ntp" as const });
const picture = {
  atMs: START_MS,
  upMs: 0,
  objects: [{ label: "truck", score: 0.9, box: [0.4, 0.3, 0.2, 0.3] as const, isCause: true }],
};
const decision = {
  offence: 1,
  trackId: 7,
  sinceUpMs: 0,
  score: 0.87,
  label: "truck",
  hasLeft: false,
  best: picture,
  bestNow: () => picture,
};

function alarmOf(write: JournalWrite | undefined) {
  const record = write?.append?.[0];
  if (record?.kind !== "alarm") throw new Error("no alarm");
  return record;
}

test("an alarm is an event with its evidence, is revised, and is not open in the journal", () => {
  const { one, requests } = alarms();
  const write = one.write({ ...decision, phase: "raised" }, stamp(START_MS));
  const raised = alarmOf(write);
  expect(raised.body).toMatchObject({
    phase: "raised",
    rev: 1,
    nature: "event",
    family: "vision",
    evidence: ["1-still"],
  });
  expect(write?.closedAlarms).toEqual([raised.body.alarmId]);
  const updated = alarmOf(
    one.write({ ...decision, phase: "updated", score: 0.5, hasLeft: true }, stamp(START_MS + 60_000)),
  );
  expect(updated.body).toMatchObject({ alarmId: raised.body.alarmId, phase: "updated", rev: 2, peak: { value: 0.87 } });
  expect(updated.body.detail).toMatch(/ left$/);
  expect(updated.subject).toEqual(raised.subject);
  expect(requests).toHaveLength(1);
});

test("what stood there before a restart keeps its alarm; what had left, or stands elsewhere, is another", () => {
  const before = alarmOf(alarms().one.write({ ...decision, phase: "raised" }, stamp(START_MS)));
  const subject = `track:${before.subject?.id}`;
  const recent = [{ device: "gate", subject, body: before.body }];
  const same = alarms(recent);
  const again = alarmOf(same.one.write({ ...decision, phase: "raised" }, stamp(START_MS + 120_000)));
  expect(again).toMatchObject({
    subject: before.subject,
    body: { alarmId: before.body.alarmId, rev: 2, phase: "updated" },
  });
  expect(same.requests).toHaveLength(0);
  // Once only: the second truck there is another one.
  const next = alarmOf(same.one.write({ ...decision, phase: "raised", offence: 2 }, stamp(START_MS + 130_000)));
  expect(next.body.alarmId).not.toBe(before.body.alarmId);
  const left = [{ device: "gate", subject, body: { ...before.body, detail: `${before.body.detail} left` } }];
  for (const [restored, atMs] of [
    [left, START_MS + 1000],
    [recent, START_MS + 3_600_000],
  ] as const) {
    const other = alarmOf(alarms(restored).one.write({ ...decision, phase: "raised" }, stamp(atMs)));
    expect(other.body).toMatchObject({ rev: 1, phase: "raised" });
    expect(other.body.alarmId).not.toBe(before.body.alarmId);
  }
});
