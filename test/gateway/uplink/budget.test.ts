import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Logger } from "../../../gateway/contracts/logger.ts";
import { type BudgetFacts, BudgetKeeper } from "../../../gateway/uplink/budget-keeper.ts";
import { DayBudget, readDayUse, writeDayUse } from "../../../gateway/uplink/day-budget.ts";
import type { MqttSession } from "../../../gateway/uplink/mqtt-session.ts";

describe("a day's budget", () => {
  test("is near its end at four fifths and spent at all of it, until a later date begins", () => {
    const budget = new DayBudget(1_000, { day: "2026-11-21", bytes: 0 });
    expect([799, 1, 199, 1].map((bytes) => [budget.add(bytes, "2026-11-21", "ntp"), budget.ration])).toEqual([
      [false, "all"],
      [false, "live"],
      [false, "live"],
      [false, "urgent"],
    ]);
    // A clock that jumps back gives nothing twice.
    expect([budget.add(10, "1970-01-01", "none"), budget.ration]).toEqual([false, "urgent"]);
    expect([budget.add(10, "2026-11-22", "rtc"), budget.ration]).toEqual([true, "all"]);
    expect(budget.use).toEqual({ day: "2026-11-22", bytes: 10 });
  });

  test("of a date that a wrong clock invented is given back once the time is known, and nothing is given twice", () => {
    const budget = new DayBudget(1_000, { day: "2026-11-21", bytes: 900 });
    expect([budget.add(0, "2035-01-01", "rtc"), budget.ration]).toEqual([true, "all"]);
    budget.add(1_000, "2035-01-01", "rtc");
    // The clock alone says little; a time server or a receiver knows.
    budget.add(0, "2026-11-21", "rtc");
    expect(budget.use.day).toBe("2035-01-01");
    expect([budget.add(5, "2026-11-21", "gnss"), budget.ration]).toEqual([false, "urgent"]);
    expect(budget.use).toEqual({ day: "2026-11-21", bytes: 1_005 });
    expect([budget.add(0, "2026-11-22", "gnss"), budget.ration]).toEqual([true, "all"]);
    // Set back by a second at midnight is no wrong clock, and a date of nobody's begins no day.
    budget.add(0, "2026-11-21", "gnss");
    expect(budget.use.day).toBe("2026-11-22");
    expect(budget.add(0, "2035-01-01", "none")).toBe(false);
  });

  test("is noted as text, and anything else is no note", () => {
    const use = { day: "2026-11-21", bytes: 12_345 };
    expect(readDayUse(writeDayUse(use))).toEqual(use);
    for (const text of [undefined, "", "yesterday 5", "2026-11-21 -5", "2026-11-21"])
      expect(readDayUse(text)).toBeUndefined();
  });
});

describe("the keeper of a budget", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse("2026-11-21T15:30:00Z") });
    return () => vi.useRealTimers();
  });

  const settings = new Map<string, string>();
  const journal = {
    getSetting: async (key: string) => settings.get(key),
    setSetting: async (key: string, value: string) => void settings.set(key, value),
  };

  async function keeper() {
    const socket = { bytesWritten: 0, bytesRead: 0 };
    const said: string[] = [];
    const rations: string[] = [];
    const take = (fields: object) => void said.push("code" in fields ? String(fields.code) : "new day");
    const log: Logger = { debug: take, info: take, warn: take, error: take, fatal: take, child: () => log };
    const kept = await BudgetKeeper.open({
      dailyBytes: 1_000,
      timeZone: "Asia/Shanghai",
      journal,
      stamp: () => ({ atMs: Date.now(), timeQuality: "ntp" }),
      log,
      session: () => socket as unknown as MqttSession,
      onRation: (ration) => void rations.push(ration),
    });
    onTestFinished(() => kept.close());
    return { kept, socket, said, rations };
  }

  test("counts both ways, says each step once, remembers over restarts, and begins anew at the site's midnight", async () => {
    settings.clear();
    const first = await keeper();
    first.socket.bytesWritten = 500;
    first.socket.bytesRead = 350;
    vi.advanceTimersByTime(10_000);
    expect(first.rations).toEqual(["live"]);
    expect(first.said).toEqual(["BUDGET_NEAR"]);
    first.kept.close();
    const second = await keeper();
    expect(second.kept.facts).toEqual<BudgetFacts>({ dayBytes: 850, dailyBytes: 1_000, ration: "live" });
    second.socket.bytesWritten = 200;
    vi.advanceTimersByTime(10_000);
    expect(second.said).toEqual(["BUDGET_NEAR", "BUDGET_SPENT"]);
    // 23:30 in Shanghai when it began.
    vi.advanceTimersByTime(30 * 60_000);
    expect(second.said).toEqual(["BUDGET_NEAR", "BUDGET_SPENT", "new day"]);
    expect(second.rations).toEqual(["live", "urgent", "all"]);
    expect(second.kept.facts).toMatchObject({ dayBytes: 0, ration: "all" });
  });
});
