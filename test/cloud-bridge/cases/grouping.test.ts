import { describe, expect, test } from "vitest";
import {
  DEFAULT_GROUPING,
  type GroupingAlarm,
  type GroupingCase,
  groupAlarm,
} from "../../../cloud-bridge/cases/grouping.ts";
import { distanceM } from "../../../cloud-bridge/roster/distance.ts";

const HERE = { latitudeDeg: 39.912, longitudeDeg: 116.456 };
const NEAR = { latitudeDeg: 39.914, longitudeDeg: 116.456 };
const FAR = { latitudeDeg: 39.93, longitudeDeg: 116.456 };
const alarm: GroupingAlarm = { family: "noise", siteId: "s1", position: HERE, raisedAtMs: 1e9, late: false };
const open: GroupingCase = {
  id: "c1",
  number: 1,
  family: "noise",
  isOpen: true,
  state: "on-scene",
  siteId: "s2",
  position: NEAR,
  lastAlarmAtMs: 1e9 - 60_000,
};

describe("which case an alarm joins", () => {
  test("within R metres and T minutes of the case's last alarm it joins, else it opens its own", () => {
    expect(groupAlarm(alarm, [open])).toEqual({ act: "join", caseId: "c1", how: "near", bringsBack: false });
    expect(groupAlarm(alarm, [{ ...open, position: FAR }])).toEqual({ act: "open" });
    const old = { ...open, lastAlarmAtMs: 1e9 - DEFAULT_GROUPING.withinMs - 1 };
    expect(groupAlarm(alarm, [old])).toEqual({ act: "open" });
    expect(groupAlarm({ family: "noise", raisedAtMs: 1e9, late: false }, [open])).toEqual({ act: "open" });
  });

  test("at its own site it joins whatever T says, and brings a resolved case back to on-scene", () => {
    const here: GroupingCase = { ...open, id: "c2", number: 2, siteId: "s1", lastAlarmAtMs: 0, state: "resolved" };
    expect(groupAlarm(alarm, [open, here])).toEqual({ act: "join", caseId: "c2", how: "same-site", bringsBack: true });
    expect(groupAlarm({ ...alarm, late: true }, [here])).toMatchObject({ caseId: "c2", bringsBack: false });
  });

  test("neither a closed case nor one of another family is joined", () => {
    expect(groupAlarm(alarm, [{ ...open, isOpen: false }])).toEqual({ act: "open" });
    expect(groupAlarm({ ...alarm, family: "fault" }, [{ ...open, siteId: "s1" }])).toEqual({ act: "open" });
  });

  test("an officer's emergency is never grouped", () => {
    const emergency: GroupingAlarm = { ...alarm, family: "emergency" };
    expect(groupAlarm(emergency, [{ ...open, family: "emergency", siteId: "s1" }])).toEqual({ act: "open" });
  });

  test("an alarm that could not be read at first joins the case that said so", () => {
    const unreadable: GroupingCase = { ...open, id: "u", family: "fault", position: FAR };
    expect(groupAlarm({ ...alarm, unreadableCaseId: "u" }, [unreadable])).toMatchObject({
      caseId: "u",
      how: "replayed",
    });
  });

  test("between two near ones the nearer, between equals the older decides, in whatever order they are given", () => {
    const nearer: GroupingCase = { ...open, id: "c9", number: 9, position: { ...HERE, latitudeDeg: 39.9121 } };
    const twin: GroupingCase = { ...nearer, id: "c3", number: 3 };
    for (const cases of [
      [open, nearer, twin],
      [twin, nearer, open],
    ]) {
      expect(groupAlarm(alarm, cases)).toMatchObject({ caseId: "c3" });
    }
  });

  test("distance is right to a metre in a hundred kilometres", () => {
    expect(distanceM({ latitudeDeg: 0, longitudeDeg: 0 }, { latitudeDeg: 0, longitudeDeg: 1 })).toBeCloseTo(111_195, 0);
  });
});
