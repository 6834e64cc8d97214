import { describe, expect, test } from "vitest";
import { type PolicyMatter, type PolicySettings, policyFor } from "../../../cloud-bridge/cases/dispatch-policy.ts";

const auto = { policy: "auto", afterSeconds: 0 } as const;
const wait = { policy: "auto-after", afterSeconds: 60 } as const;
const SETTINGS: PolicySettings = {
  dispatch: wait,
  night: { from: "22:00", to: "06:00" },
  exceptions: [
    { rules: ["gate"], policy: "propose", afterSeconds: 0 },
    { categories: ["street-stall"], period: "day", policy: "auto-after", afterSeconds: 300 },
    { rules: ["node-silent"], policy: "auto", afterSeconds: 0 },
    { period: "night", ...auto },
  ],
};
const at = (local: string, offset: string) => Date.parse(`2026-11-25T${local}:00${offset}`);
const NOISE: PolicyMatter = {
  ...{ rule: "night-noise", category: "noise", family: "noise", severity: "urgent" },
  ...{ atMs: at("23:30", "+08:00"), timeZone: "Asia/Shanghai" },
};
const of = (matter: Partial<PolicyMatter>) => policyFor(SETTINGS, { ...NOISE, ...matter });

describe("who sends the crew", () => {
  test("goes by rule, category and period, the first exception that fits before the rest", () => {
    expect(of({})).toEqual(auto);
    expect(of({ atMs: at("12:00", "+08:00") })).toEqual(wait);
    expect(of({ rule: "gate" })).toMatchObject({ policy: "propose" });
    const stall = { rule: "street-stall", category: "street-stall", family: "report", severity: "normal" };
    expect(of({ ...stall, atMs: at("12:00", "+08:00") })).toEqual({ policy: "auto-after", afterSeconds: 300 });
  });

  test("night is that of the site's zone, from its first minute to the one before its end", () => {
    expect(of({ atMs: at("22:00", "+08:00") })).toEqual(auto);
    expect(of({ atMs: at("21:59", "+08:00") })).toEqual(wait);
    expect(of({ atMs: at("05:59", "+08:00") })).toEqual(auto);
    expect(of({ atMs: at("06:00", "+08:00") })).toEqual(wait);
    // The same moments where the sun stands elsewhere: 23:30 in Shanghai is 21:00 in Urumqi's old time and 15:30 in London.
    expect(of({ timeZone: "Europe/London" })).toEqual(wait);
    expect(of({ atMs: at("23:30", "+00:00"), timeZone: "Europe/London" })).toEqual(auto);
  });

  test("faults and reports that are not urgent are proposed, unless an exception names them", () => {
    expect(of({ rule: "device-silent", category: null, family: "fault", severity: "normal" })).toMatchObject({
      policy: "propose",
    });
    expect(of({ rule: "node-silent", category: null, family: "fault", severity: "normal" })).toEqual(auto);
    const stall = { rule: "street-stall", category: "street-stall", family: "report", severity: "normal" };
    expect(of(stall)).toMatchObject({ policy: "propose" });
  });
});
