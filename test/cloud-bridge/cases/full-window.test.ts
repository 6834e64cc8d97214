import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AlarmRevision } from "../../../cloud-bridge/alarms/reduce.ts";
import { fullWindow, type WindowSource, waitingForWindow } from "../../../cloud-bridge/cases/full-window.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { CREW_A, type DeskRig, deskRig, newKey, SITE } from "../../fakes/desk-rig.ts";

const MINUTE = 60_000;
const LIMITS = { limitDb: 55, lamaxLimitDb: 70, roundToDb: 0.1, windowMs: 20 * MINUTE, minValidPct: 75 };
const block = (minute: number, laeqDb: number | null, valid = 60, lamaxDb = laeqDb) => ({
  fromMs: minute * MINUTE,
  toMs: (minute + 1) * MINUTE,
  n: 60,
  valid,
  laeqDb,
  lamaxDb,
});
const blocks = (count: number, laeqDb: number | null, from = 0) =>
  Array.from({ length: count }, (_, minute) => block(from + minute, laeqDb));
const source = (minutes: WindowSource["minutes"], more: Partial<WindowSource> = {}): WindowSource => ({
  name: "noise-01",
  isLoud: false,
  isOnline: true,
  hasLevelFault: false,
  sinceMs: 0,
  limits: LIMITS,
  nodeWindows: [],
  minutes,
  ...more,
});

describe("one full window within the limit", () => {
  test("is 20 minutes whose energy mean is within it, though a minute of them is louder", () => {
    expect(fullWindow(source([...blocks(19, 50), block(19, 66)]))).toMatchObject({ fromMs: 0, provedBy: "minutes" });
    expect(fullWindow(source([...blocks(19, 50), block(19, 68.5)]))).toBeUndefined();
    expect(fullWindow(source(blocks(20, 55)))).toBeDefined();
    expect(fullWindow(source(blocks(20, 55.1)))).toBeUndefined();
    expect(fullWindow(source(blocks(19, 40)))).toBeUndefined();
  });

  test("is broken by one second above the night's maximum", () => {
    expect(fullWindow(source([...blocks(19, 40), block(19, 45, 60, 70)]))).toBeDefined();
    expect(fullWindow(source([...blocks(19, 40), block(19, 45, 60, 70.1)]))).toBeUndefined();
  });

  test("needs its valid part, and never begins before the alarm ended", () => {
    const thin = (valid: number) => Array.from({ length: 20 }, (_, minute) => block(minute, 40, valid));
    expect(fullWindow(source(thin(45)))).toBeDefined();
    expect(fullWindow(source(thin(44)))).toBeUndefined();
    expect(fullWindow(source(blocks(20, 40).slice(0, 12)))).toBeUndefined();
    expect(fullWindow(source(blocks(25, 40), { sinceMs: 5 * MINUTE }))).toBeDefined();
    expect(fullWindow(source(blocks(24, 40), { sinceMs: 5 * MINUTE }))).toBeUndefined();
  });

  test("is the node's own, where it cleared with one", () => {
    const nodeWindows = [{ fromMs: 0, toMs: 20 * MINUTE }];
    expect(fullWindow(source([], { nodeWindows }))?.provedBy).toBe("node");
    expect(fullWindow(source([], { nodeWindows, sinceMs: MINUTE }))).toBeUndefined();
    expect(fullWindow(source([], { nodeWindows: [{ fromMs: 0, toMs: 19 * MINUTE }] }))).toBeUndefined();
  });

  test("is never found in minutes that were not measured", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 20, maxLength: 40 }), (measured) => {
        const minutes = measured.flatMap((isThere, minute) => (isThere ? [block(minute, 40)] : []));
        const enough = measured.some(
          (_, from) => from + 20 <= measured.length && measured.slice(from, from + 20).filter(Boolean).length >= 15,
        );
        if (!enough) expect(fullWindow(source(minutes))).toBeUndefined();
      }),
    );
  });

  test("is waited for in words", () => {
    const needed = { quietMs: 10 * MINUTE, freshMs: 150_000, nowMs: 8 * MINUTE };
    expect(waitingForWindow(source(blocks(8, 40)), needed)).toEqual([
      "noise-01: no full window within the limit yet, 8 of 20 min",
    ]);
    expect(waitingForWindow(source([]), needed)).toEqual(["noise-01: no levels yet"]);
    expect(waitingForWindow(source(blocks(4, 40), { hasLevelFault: true }), needed)).toEqual([
      "noise-01: its level is not to be believed, nothing proves quiet",
      "noise-01: newest level is 240 s old",
    ]);
  });
});

/** The same alarm as an `exceedance` would tell it. */
function exceedance(revision: AlarmRevision, clearReason: "quiet" | "rule-removed" = "quiet"): AlarmRevision {
  const { body } = revision;
  const isCleared = body.phase === "cleared";
  const toMs = body.stateAtMs;
  const window = { fromMs: toMs - 20 * MINUTE, toMs, n: 1200, valid: 1200, laeqDb: isCleared ? 50 : 61, lamaxDb: 62 };
  return {
    ...revision,
    body: {
      ...body,
      rule: "limits-20min",
      ruleKind: "exceedance",
      ...(isCleared ? { raisedAtMs: toMs - 25 * MINUTE, clearReason } : {}),
      limits: { limitDb: 55, roundToDb: 0.1, windowS: 1200, minValidPct: 75 },
      windows: clearReason === "quiet" ? [{ name: isCleared ? "clear" : "window", ...window }] : [],
    },
  };
}

async function resolvedCase(rig: DeskRig, clearReason: "quiet" | "rule-removed"): Promise<void> {
  const raised = exceedance(noiseRevision({ nowMs: rig.clock.nowMs() }));
  await rig.receive(raised);
  await rig.desk.wake();
  const press = async (act: "acknowledge" | "resolved"): Promise<void> => {
    const leg = (await rig.theCase()).case.assignment?.id ?? "";
    await rig.desk.actOnAssignment(CREW_A, leg, { act, deviceTimeMs: rig.clock.nowMs() }, newKey());
  };
  await press("acknowledge");
  await rig.desk.onPosition({ node: "car-a" }, { ...SITE, atMs: rig.clock.nowMs() });
  for (let minute = 0; minute < 26; minute += 1) {
    await rig.minute(rig.clock.nowMs(), 50);
    rig.clock.pass(MINUTE);
  }
  const { alarmId } = raised.body;
  const cleared = noiseRevision({ nowMs: rig.clock.nowMs(), alarmId, rev: 2, phase: "cleared" });
  await rig.receive(exceedance(cleared, clearReason));
  await rig.desk.wake();
  await press("resolved");
}

describe("a case of an exceedance", () => {
  test("closes with the window with which its node cleared, and says so", async () => {
    const rig = await deskRig();
    await resolvedCase(rig, "quiet");
    const { case: closed, timeline } = await rig.theCase();
    expect(closed.state).toBe("closed");
    expect(timeline.at(-1)?.detail).toMatchObject({ sources: [{ source: "noise-01", provedBy: "node", limitDb: 55 }] });
  });

  test("whose rule was removed waits for a window of the bridge's own minutes", async () => {
    const rig = await deskRig();
    await resolvedCase(rig, "rule-removed");
    expect((await rig.theCase()).case).toMatchObject({ state: "verifying" });
    for (let minute = 0; minute < 21; minute += 1) {
      await rig.minute(rig.clock.nowMs(), 54);
      rig.clock.pass(MINUTE);
      await rig.desk.tick();
    }
    expect((await rig.theCase()).case.state).toBe("closed");
  });

  test("is not closed while its meter's level is not to be believed, and that fault never clears it", async () => {
    const rig = await deskRig();
    const fault = noiseRevision({ nowMs: rig.clock.nowMs() });
    const stuck = { ...fault.body, family: "fault" as const, rule: "level-stuck", ruleKind: "level-watch", limits: {} };
    await resolvedCase(rig, "rule-removed");
    const { id } = (await rig.theCase()).case;
    await rig.receive({ ...fault, body: { ...stuck, stateAtMs: rig.clock.nowMs() } });
    await rig.desk.wake();
    for (let minute = 0; minute < 25; minute += 1) {
      await rig.minute(rig.clock.nowMs(), 50);
      rig.clock.pass(MINUTE);
      await rig.desk.tick();
    }
    const seen = (await rig.desk.views.caseList({ limit: 10 })).items;
    expect(seen.find((row) => row.id === id)).toMatchObject({ state: "verifying", unwatched: true });
    expect(seen.find((row) => row.family === "fault")).toBeDefined();
  });
});
