import process from "node:process";
import { expect, onTestFinished } from "vitest";
import { seededRandom } from "../../../cli/sim/seeded-random.ts";
import { browserTest } from "../../fakes/browser-test.ts";
import { ConsoleRig, type Person } from "../../fakes/console-rig.ts";
import { furnishCity } from "../../fakes/desk-city.ts";
import type { PaperNode } from "../../fakes/paper-node.ts";

const SITES = 50;
const ALARMS = 500;
const MINUTE_MS = 60_000;
/** Under whatever load: what is asserted is that all of it comes, not when. */
const PATIENCE = { timeout: 300_000, interval: 250 };
const HELP_AT = { latitudeDeg: 39.9205, longitudeDeg: 116.459 };
/** Counts tones, and the longest task of the page, from its beginning on. */
const WATCH = `window.tones = []; window.longestTaskMs = 0;
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (...when) {
    window.tones.push(this.frequency.value);
    return start.apply(this, when);
  };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longestTaskMs = Math.max(window.longestTaskMs, duration);
  }).observe({ type: "longtask", buffered: true });`;
/** The first tone of the call that is an officer's alone. */
const HELP_HZ = 988;

browserTest(
  "500 alarms in a minute over 50 sites: each in one case, the list whole, an officer heard, a crew sent in the midst of it",
  async () => {
    const seed = Number(process.env["SHAO_SEED"] ?? Date.now() % 1e9);
    const random = seededRandom(seed);
    const rig = await ConsoleRig.start();
    const { db } = rig.bridge.store;
    await furnishCity(rig.bridge.store);
    const meters: PaperNode[] = [];
    onTestFinished(async () => {
      for (const meter of meters) await meter.leave();
      await rig.close();
    });
    for (let i = 0; i < SITES; i += 1) {
      // The fifth of each row lies within the radius of the fourth: what joins there is declared, too.
      const column = i % 5;
      const longitudeDeg = 116.3 + Math.min(column, 3) * 0.01 + (column === 4 ? 0.0015 : 0);
      const place = { latitudeDeg: 39.8 + Math.floor(i / 5) * 0.01, longitudeDeg };
      meters.push(await rig.node(`site-${i}`, { name: `Site ${i}`, ...place }));
    }
    const anna = await rig.person("Anna", "dispatcher");
    const phone = await rig.person("Liu Yang", "crew", { crewId: "crew-1", viewport: { width: 390, height: 844 } });
    for (const { page } of [anna, phone]) page.setDefaultTimeout(PATIENCE.timeout);
    await anna.page.addInitScript(WATCH);
    await anna.page.reload();
    await anna.page.locator(".pill.is-good").waitFor();
    await anna.page.keyboard.press("x");

    const raised: string[] = [];
    const fromMs = performance.now();
    const due = Array.from({ length: ALARMS }, (_, i) => ({ meter: meters[i % SITES], atMs: random() * MINUTE_MS }));
    due.sort((a, b) => a.atMs - b.atMs);
    const storm = Promise.all(
      due.map(async ({ meter, atMs }, i) => {
        await new Promise((resolve) => setTimeout(resolve, atMs));
        if (meter === undefined) return;
        raised.push(await (i % 3 === 2 ? meter.see("uncovered-truck") : meter.raise(70 + random() * 15)));
      }),
    );
    const caseOf = async (alarmId: string): Promise<string | undefined> => {
      const row = await db
        .selectFrom("case_alarms")
        .select("case_id")
        .where("alarm_id", "=", alarmId)
        .executeTakeFirst();
      return row?.case_id;
    };
    const help = (async () => {
      await expect.poll(() => raised.length, PATIENCE).toBeGreaterThan(ALARMS / 2);
      const alarmId = await meters[0]?.callForHelp("3001", HELP_AT);
      // It stands on top and has its own call, whatever else sounds.
      await expect.poll(() => caseOf(alarmId ?? ""), PATIENCE).toBeDefined();
      const caseId = await caseOf(alarmId ?? "");
      await expect.poll(() => firstRow(anna), PATIENCE).toBe(caseId);
      await expect.poll(() => anna.page.evaluate<number[]>("window.tones"), PATIENCE).toContain(HELP_HZ);
      await anna.page.locator(".case-row").first().click();
      await anna.page.locator("[data-assign=crew-1]").click();
      await phone.page.locator("[data-crew-act=acknowledge]").click();
      await anna.page.locator("[data-case-state=acknowledged]").waitFor();
      return alarmId ?? "";
    })();
    const helpId = await help;
    await storm;
    const storedMs = performance.now() - fromMs;
    const owed = db.selectFrom("follow_up").select("id").where("pending", "=", 1);
    await expect.poll(async () => (await owed.execute()).length, PATIENCE).toBe(0);
    const going = async () =>
      (await db.selectFrom("cases").select("id").where("closed_at_ms", "is", null).execute()).map(({ id }) => id);
    await expect.poll(async () => (await countOf(anna)) - (await going()).length, PATIENCE).toBe(0);
    const wholeMs = performance.now() - fromMs - storedMs;

    const ties = await db.selectFrom("case_alarms").select(["alarm_id", "case_id", "how"]).execute();
    const own = ties.filter(({ alarm_id }) => raised.includes(alarm_id));
    expect(own.map(({ alarm_id }) => alarm_id).sort()).toEqual(raised.toSorted());
    expect([raised.length, new Set(raised).size]).toEqual([ALARMS, ALARMS]);
    const opened = own.filter(({ how }) => how === "opened");
    expect(new Set(opened.map(({ case_id }) => case_id)).size).toBe(opened.length);
    expect(own.filter(({ how }) => how !== "opened").every(({ how }) => ["same-site", "near"].includes(how))).toBe(
      true,
    );
    const sent = await db
      .selectFrom("assignments")
      .select(["crew_id", "state", "case_id"])
      .where("active", "=", 1)
      .execute();
    expect(sent).toEqual([{ crew_id: "crew-1", state: "acknowledged", case_id: await caseOf(helpId) }]);

    // Every case that goes on stands in the list, once.
    for (let more = anna.page.locator(".case-list-more button"); (await more.count()) > 0; ) await more.click();
    const rows = await anna.page
      .locator(".case-row")
      .evaluateAll((all) => all.map((row) => row.getAttribute("data-case")));
    expect(rows.toSorted()).toEqual((await going()).sort());
    const longestTaskMs = await anna.page.evaluate<number>("window.longestTaskMs");
    process.stderr.write(
      `storm ${JSON.stringify({
        seed,
        alarms: raised.length,
        sites: SITES,
        cases: rows.length,
        joined: own.length - opened.length,
        lastStoredMs: Math.round(storedMs),
        listWholeAfterMs: Math.round(wholeMs),
        longestTaskMs: Math.round(longestTaskMs),
      })}\n`,
    );
    expect([...anna.complaints, ...phone.complaints]).toEqual([]);
  },
  900_000,
);

const firstRow = ({ page }: Person) => page.locator(".case-row").first().getAttribute("data-case");
const countOf = async ({ page }: Person) => Number(await page.locator("[data-show=going] .segment-count").innerText());
