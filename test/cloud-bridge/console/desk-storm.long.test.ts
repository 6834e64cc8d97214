import { afterAll, beforeAll, expect } from "vitest";
import { en } from "../../../cloud-bridge/console/src/text/en.ts";
import { zhCn } from "../../../cloud-bridge/console/src/text/zh-cn.ts";
import { putCrew } from "../../../cloud-bridge/roster/crews.ts";
import { addDuty } from "../../../cloud-bridge/roster/duties.ts";
import { putPerson } from "../../../cloud-bridge/roster/people.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { browserTest, hasBrowser } from "../../fakes/browser-test.ts";
import { ConsoleRig, type Person } from "../../fakes/console-rig.ts";
import { rowOf } from "../../fakes/desk-page.ts";
import type { PaperNode } from "../../fakes/paper-node.ts";

const SITES = ["Guanghua Road block 7", "Tuanjiehu north", "Jintai Road metro"];
const HERE = { latitude: 39.925, longitude: 116.47 };
const MINUTE_MS = 60_000;

let rig: ConsoleRig;
const meters: PaperNode[] = [];
beforeAll(async () => {
  if (!hasBrowser) return;
  rig = await ConsoleRig.start();
  const { db } = rig.bridge.store;
  await putUnit(db, { id: "chaoyang", name: "Chaoyang", level: "district" });
  await putUnit(db, { id: "hujialou", name: "Hujialou", level: "street", parentId: "chaoyang" });
  await putUnit(db, { id: "police", name: "Police", level: "department", parentId: "chaoyang" });
  await putPerson(db, { id: "zhang", name: "Zhang Qiang", unitId: "hujialou", authority: ["*"], radioIssi: "3001" });
  for (const n of [1, 2, 3]) {
    await putCrew(db, { id: `crew-${n}`, name: `Crew ${n}`, unitId: "hujialou" });
    const duty = { crewId: `crew-${n}`, fromMs: Date.now() - 1000, toMs: Date.now() + 60 * MINUTE_MS };
    await db.transaction().execute((trx) => addDuty(trx, duty, "Asia/Shanghai"));
  }
  for (const [i, name] of SITES.entries()) {
    meters.push(await rig.node(`site-${i}`, { name, latitudeDeg: 39.912 + i * 0.004, longitudeDeg: 116.456 }));
  }
});
afterAll(async () => {
  for (const meter of meters) await meter.leave();
  await rig?.close();
});

const submit = ({ page }: Person) => page.locator("dialog button[type=submit]").click();

browserTest(
  "two people at two desks work a storm together: each sees what the other does, and no crew goes twice",
  async () => {
    const anna = await rig.person("Anna", "admin");
    const bo = await rig.person("Bo", "dispatcher", { locale: "zh-CN", colorScheme: "light" });
    const phone = await rig.person("Liu Yang", "crew", { crewId: "crew-1", geolocation: HERE });
    await phone.page.getByText(en["crew.position.sending"]).waitFor();

    await Promise.all(meters.map((meter, i) => meter.raise(74 + i)));
    for (const name of SITES) await Promise.all([rowOf(anna, name).waitFor(), rowOf(bo, name).waitFor()]);

    // A call without a place is taken down by keyboard, and waits to be located on both desks.
    await anna.page.locator("body").press("r");
    await anna.page.locator("dialog input:not([type])").nth(1).fill("Hammering behind the school");
    await submit(anna);
    await anna.page.locator("[data-report-case]").waitFor();
    await submit(anna);
    await anna.page.locator(`dialog`).waitFor({ state: "detached" });
    await expect.poll(() => bo.page.locator("[data-show=to-locate] .segment-count").innerText()).toBe("1");
    expect(await anna.page.locator("[data-assign]").count()).toBe(0);
    await anna.page.locator("[data-act=locate]").waitFor();
    await anna.page.locator("body").press("l");
    await anna.page.locator("dialog [data-plan]").click({ position: { x: 120, y: 90 } });
    await anna.page.locator("[data-picked]").waitFor();
    await submit(anna);
    await anna.page.locator("[data-assign]").first().waitFor();
    await expect.poll(() => bo.page.locator("[data-show=to-locate] .segment-count").innerText()).toBe("0");

    // Both look; Anna sends crew 1 to the first, and Bo, who still sees it free, gets told when he sends it to the second.
    await rowOf(anna, SITES[0] ?? "").click();
    await rowOf(bo, SITES[1] ?? "").click();
    await bo.page.locator("[data-assign=crew-1]").waitFor();
    await anna.page.locator("[data-assign=crew-1]").click();
    await anna.page.locator("[data-case-state=assigned]").waitFor();
    await rowOf(bo, SITES[0] ?? "")
      .locator("[data-state=assigned]")
      .waitFor();
    await bo.page.locator("[data-assign=crew-1]").click();
    await bo.page.getByRole("alert").getByText(zhCn["problem.CREW_BUSY.title"]).waitFor();
    await bo.page.locator("[data-even-so]").waitFor();
    await bo.page.locator("[data-assign=crew-2]").click();
    await bo.page.locator("[data-case-state=assigned]").waitFor();
    await phone.page.locator("[data-crew-act=acknowledge]").click();
    await anna.page.locator("[data-case-state=acknowledged]").waitFor();
    await anna.page.locator("[data-case-notices] [data-notice=delivered]").waitFor();

    // A whistle of Anna's is reviewed by Bo; the department's part then stands at both desks with its clock.
    await anna.page.locator("body").press("b");
    await anna.page.locator("dialog label", { hasText: "Police" }).click();
    await anna.page.locator("dialog textarea").fill("Keep the gate clear");
    await submit(anna);
    await anna.page.locator("[data-whistle=filed]").waitFor();
    await rowOf(bo, SITES[0] ?? "").click();
    await bo.page.locator("[data-step=approve]").click();
    await submit(bo);
    await bo.page.locator("[data-leg=called]").waitFor();
    await anna.page.locator("[data-leg=called]").waitFor();

    const assigned = await rig.bridge.store.db
      .selectFrom("assignments")
      .select("crew_id")
      .where("active", "=", 1)
      .execute();
    expect(assigned.map(({ crew_id }) => crew_id).sort()).toEqual(["crew-1", "crew-2"]);
    expect([...anna.complaints, ...bo.complaints, ...phone.complaints]).toEqual([]);
    await Promise.all([anna.context.close(), bo.context.close(), phone.context.close()]);
  },
);

browserTest(
  "what is overdue stands first and says so; duty is filed; the pages of messages and analysis count it",
  async () => {
    const { db } = rig.bridge.store;
    const late = await db
      .selectFrom("cases")
      .select("id")
      .where("title", "like", `%${SITES[2]}%`)
      .executeTakeFirstOrThrow();
    const overdue = { due_arrive_at_ms: Date.now() - 7 * MINUTE_MS };
    await db.updateTable("cases").set(overdue).where("id", "=", late.id).execute();
    const desk = await rig.person("Chen", "dispatcher");
    const { page } = desk;
    await page.locator(".case-row [data-due=overdue]", { hasText: "overdue 7 min" }).waitFor();
    expect(await page.locator(".case-row").first().getAttribute("data-case")).toBe(late.id);
    await page.locator("body").press("j");
    await page.locator(`.case-row[aria-current][data-case="${late.id}"]`).waitFor();
    await page.locator("body").press("?");
    await page.locator("[data-help]").waitFor();
    await page.keyboard.press("Escape");

    await page.locator("a[href='/crews']").click();
    await page.locator("[data-file=crew-3]").click();
    await page.locator("dialog label", { hasText: "Zhang Qiang" }).first().click();
    await submit(desk);
    await page.locator("[data-crew=crew-3]", { hasText: "3001" }).waitFor();

    await page.locator("a[href='/messages']").click();
    await page.locator("[data-notice=delivered]", { hasText: "Crew 1" }).waitFor();
    await page.locator("a[href='/analysis']").click();
    await page.locator("[data-heat]").waitFor();
    const cards = page.locator("[data-analysis=response] .figure-card");
    await expect.poll(() => cards.first().innerText()).toMatch(/\b4\b/);
    expect(desk.complaints).toEqual([]);
    await desk.context.close();
  },
);
