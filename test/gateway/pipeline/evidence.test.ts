import { createHash } from "node:crypto";
import { Value } from "typebox/value";
import { expect, test } from "vitest";
import { canonicalJson } from "../../../protocol/canonical-json.ts";
import { EvidenceBody } from "../../../protocol/evidence.ts";
import { decodeLevels } from "../../../protocol/level-series.ts";
import { VirtualNight } from "./virtual-night.ts";

const story = (second: number): number => (second < 90 ? 50 + (second % 10) : 75 + (second % 5));

function evidenceOf(night: VirtualNight) {
  return night.journal.of("evidence").map(({ body }) => body);
}

test("sixty seconds before and after a raise become evidence under the id that the alarm named first", () => {
  const night = new VirtualNight();
  for (let second = 0; second < 200; second++) night.second({ levelDb: story(second) });
  const [alarm] = night.alarms();
  const [evidence, ...more] = evidenceOf(night);
  expect(more).toEqual([]);
  expect(Value.Check(EvidenceBody, evidence)).toBe(true);
  expect(alarm?.evidence).toEqual([evidence?.evidenceId]);
  expect(evidence?.alarmId).toBe(alarm?.alarmId);
  expect(evidence?.missing).toEqual([]);
  const [part] = evidence?.parts ?? [];
  const bytes = Buffer.from(canonicalJson(part?.series));
  expect(part).toMatchObject({
    type: "levels",
    quantity: "LAeq1s",
    sizeBytes: bytes.byteLength,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  });
  const levels = decodeLevels(part?.series)?.map(({ levelDb }) => levelDb) ?? [];
  const raisedAt = Math.floor(((alarm?.raisedAtMs ?? 0) - (part?.fromMs ?? 0)) / 1000);
  expect(raisedAt).toBe(60);
  expect(levels).toHaveLength(121);
  const firstSecond = ((part?.fromMs ?? 0) / 1000) % 86_400;
  const start = 15 * 3600;
  expect(levels).toEqual(levels.map((_, index) => story(firstSecond - start + index)));
});

test("a kill in any second of the wait leaves the same evidence, written once", () => {
  const whole = new VirtualNight();
  for (let second = 0; second < 200; second++) whole.second({ levelDb: story(second) });
  const expected = evidenceOf(whole);
  for (let killAt = 90; killAt < 200; killAt += 3) {
    const night = new VirtualNight();
    for (let second = 0; second < 200; second++) {
      if (second === killAt) {
        night.flush();
        night.restart();
      }
      night.second({ levelDb: story(second) });
    }
    expect(evidenceOf(night), `killed at ${killAt}`).toEqual(expected);
  }
});

test("what a long stop took away is stated, not made up", () => {
  const night = new VirtualNight();
  for (let second = 0; second < 110; second++) night.second({ levelDb: story(second) });
  night.flush();
  night.restart(600_000);
  night.seconds(5, 50);
  const [evidence] = evidenceOf(night);
  expect(evidence?.missing[0]?.reason).toMatch(/^\d+ of 121 s have no valid level/);
  expect(evidence?.parts[0]?.series?.gaps.length).toBeGreaterThan(0);
});

test("a start without a past has no seconds before: stated", () => {
  const night = new VirtualNight();
  night.seconds(100, 80);
  const [evidence] = evidenceOf(night);
  expect(evidence?.missing[0]?.reason).toMatch(/^5\d of 121 s/);
});
