import { afterAll, beforeAll, expect, vi } from "vitest";
import { browserTest, hasBrowser } from "../../fakes/browser-test.ts";
import { ConsoleRig, type Person } from "../../fakes/console-rig.ts";
import { furnishCity } from "../../fakes/desk-city.ts";

// What a form says is loaded with the page, which keeps its language in the browser.
vi.stubGlobal("localStorage", { getItem: () => null });
const { en, zhCn } = await import("../../../cloud-bridge/console/src/text/packs/crews.ts");
vi.unstubAllGlobals();

const SOON = { timeout: 30_000 };

let rig: ConsoleRig;
let bo: Person;
beforeAll(async () => {
  if (!hasBrowser) return;
  rig = await ConsoleRig.start();
  await furnishCity(rig.bridge.store);
  bo = await rig.person("Bo", "admin", { locale: "zh-CN" });
  bo.page.setDefaultTimeout(SOON.timeout);
  await bo.page.locator("a[href='/crews']").click();
  await bo.page.locator("[data-crews]").waitFor();
});
afterAll(() => rig?.close());

const button = (scope: string, name: string) => bo.page.locator(`${scope} button`, { hasText: name });
const tab = (name: string) => bo.page.locator(`[data-segment=${name}]`).click();
/** The field of a form by its label. */
const field = (label: string) =>
  bo.page
    .locator("dialog label.field", { has: bo.page.locator("> span", { hasText: label }) })
    .locator("input, select, textarea")
    .first();

async function fill(values: Readonly<Record<string, string>>): Promise<void> {
  await bo.page.locator("dialog").waitFor();
  for (const [label, value] of Object.entries(values)) {
    const one = field(label);
    if ((await one.evaluate((element) => element.tagName)) === "SELECT") await one.selectOption(value);
    else await one.fill(value);
  }
}

async function send(): Promise<void> {
  await bo.page.keyboard.press("Control+Enter");
  await expect.poll(async () => (await bo.page.locator("dialog").allInnerTexts()).join(), SOON).toBe("");
}

const db = () => rig.bridge.store.db;

browserTest("units and people are set up and changed, and what the form does not show is kept", async () => {
  await tab("units");
  await button(".page-acts", zhCn["add-unit"]).click();
  await fill({ [zhCn.name]: "团结湖", [zhCn.id]: "Not An Id", [zhCn.parent]: "chaoyang" });
  await bo.page.keyboard.press("Control+Enter");
  expect(await db().selectFrom("units").select("id").where("name", "=", "团结湖").execute()).toEqual([]);
  await fill({ [zhCn.id]: "tuanjiehu" });
  await send();
  await bo.page.locator("[data-unit=chaoyang] [data-unit=tuanjiehu]", { hasText: "团结湖" }).waitFor();

  // One that exists is not written over by somebody who thinks it new.
  await button("[data-unit=tuanjiehu]", zhCn["add-below"]).click();
  await fill({ [zhCn.name]: "水碓子社区", [zhCn.id]: "hujialou", [zhCn.level]: "community" });
  await bo.page.keyboard.press("Control+Enter");
  await bo.page.getByRole("alert").waitFor();
  await fill({ [zhCn.id]: "shuiduizi" });
  await send();
  await bo.page.locator("[data-unit=tuanjiehu] [data-unit=shuiduizi]").waitFor();

  await bo.page.locator("[data-unit=hujialou] > .tree-row button", { hasText: zhCn.edit }).click();
  await fill({ [zhCn.phone]: "65001234" });
  await send();
  await bo.page.locator("[data-unit=hujialou]", { hasText: "65001234" }).waitFor();
  const unit = await db().selectFrom("units").selectAll().where("id", "=", "hujialou").executeTakeFirstOrThrow();
  expect(unit).toMatchObject({ name: "Hujialou", level: "street", parent_id: "chaoyang" });
  expect(JSON.parse(unit.areas)).toHaveLength(1);

  await tab("people");
  await bo.page.locator("[data-add-person]").click();
  await fill({ [zhCn.name]: "王芳", [zhCn.id]: "wang", [zhCn.unit]: "tuanjiehu" });
  await fill({ [zhCn["people.badge"]]: "京执 0117", [zhCn.radio]: "3002" });
  await bo.page.locator("dialog label", { hasText: zhCn["people.all"] }).locator("input").check();
  await send();
  await bo.page.locator("[data-person=wang]", { hasText: "京执 0117" }).waitFor();
  await button("[data-person=wang]", zhCn.edit).click();
  await fill({ [zhCn.phone]: "13900000000" });
  await send();
  await bo.page.locator("[data-person=wang]", { hasText: "13900000000" }).waitFor();
  expect(await db().selectFrom("people").selectAll().where("id", "=", "wang").executeTakeFirst()).toMatchObject({
    unit_id: "tuanjiehu",
    badge: "京执 0117",
    radio_issi: "3002",
    authority: '["*"]',
    left_at_ms: null,
  });
  expect(bo.complaints).toEqual([]);
});

browserTest(
  "a crew is set up, planned by shift and by time, filed with its people and radios, and taken back",
  async () => {
    await tab("crews");
    await button(".page-acts", zhCn["add-crew"]).click();
    await fill({ [zhCn.name]: "团结湖一队", [zhCn.unit]: "tuanjiehu", [zhCn.id]: "crew-t1" });
    await fill({ [zhCn.vehicle]: "car-9", [zhCn.skills]: "噪声，渣土" });
    await bo.page.locator("dialog label", { hasText: "王芳" }).locator("input").check();
    await send();
    const row = bo.page.locator("[data-crew=crew-t1]");
    await row.getByText(zhCn["off-duty"]).waitFor();
    const crew = await db().selectFrom("crews").selectAll().where("id", "=", "crew-t1").executeTakeFirstOrThrow();
    expect(crew).toMatchObject({ unit_id: "tuanjiehu", vehicle_node: "car-9", skills: '["噪声","渣土"]' });
    await button("[data-crew=crew-t1]", zhCn.edit).click();
    await fill({ [zhCn.unavailable]: "车辆故障" });
    await send();
    await row.getByText("车辆故障").waitFor();
    await button("[data-crew=crew-t1]", zhCn.edit).click();
    await fill({ [zhCn.unavailable]: "" });
    await send();
    await row.getByText("车辆故障").waitFor({ state: "detached" });

    await tab("roster");
    await bo.page.locator("[data-roster] input[type=date]").fill("2030-03-04");
    await bo.page.locator("[data-add-shift]").click();
    await fill({ [zhCn.name]: "夜班", [zhCn.id]: "night", [zhCn.unit]: "tuanjiehu" });
    await send();
    await bo.page.locator(".shift-list li", { hasText: "22:00 – 06:00" }).waitFor();
    await bo.page.locator("[data-plan-duty]").click();
    await fill({ [zhCn["roster.crew"]]: "crew-t1", [zhCn["roster.shift"]]: "night" });
    await send();
    const planned = bo.page.locator("[data-roster] .shift-list li", { hasText: "团结湖一队" });
    await planned.getByText("夜班").waitFor();
    await bo.page.locator("[data-plan-duty]").click();
    await bo.page.locator("dialog input[value=time]").check();
    await fill({ [zhCn["roster.crew"]]: "crew-t1", [zhCn["roster.from"]]: "2030-03-04T08:00" });
    await fill({ [zhCn["roster.to"]]: "2030-03-04T12:00" });
    await send();
    await expect.poll(() => planned.count(), SOON).toBe(2);
    const duties = () =>
      db()
        .selectFrom("duties")
        .select(["shift_id", "from_ms", "to_ms"])
        .where("crew_id", "=", "crew-t1")
        .orderBy("from_ms");
    const atShanghai = (text: string) => Date.parse(`${text}+08:00`);
    expect(await duties().execute()).toEqual([
      { shift_id: null, from_ms: atShanghai("2030-03-04T08:00"), to_ms: atShanghai("2030-03-04T12:00") },
      { shift_id: "night", from_ms: atShanghai("2030-03-04T22:00"), to_ms: atShanghai("2030-03-05T06:00") },
    ]);
    await planned.first().locator("button", { hasText: zhCn["roster.remove"] }).click();
    await bo.page.locator("dialog").waitFor();
    await send();
    await expect.poll(() => planned.count(), SOON).toBe(1);

    await tab("crews");
    await button("[data-crew=crew-t1]", zhCn["put-on-duty"]).click();
    await bo.page.locator("dialog input[value='4']").check();
    await send();
    // The day that is looked at in the roster is another one: until when it is on duty is known all the same.
    await row
      .getByText(zhCn["duty.until"].split(" ")[0] ?? "")
      .first()
      .waitFor();
    await bo.page.locator("[data-file=crew-t1]").click();
    await bo.page.locator("dialog").waitFor();
    expect(await bo.page.locator("dialog label", { hasText: "王芳" }).locator("input[type=checkbox]").isChecked()).toBe(
      true,
    );
    await fill({ [zhCn["filing.radio"].replace("{name}", "王芳")]: "3009" });
    await send();
    await row.getByText("3009").waitFor();
    const filed = await db().selectFrom("filings").select("duty_id").executeTakeFirstOrThrow();
    const today = db()
      .selectFrom("duties")
      .select("id")
      .where("crew_id", "=", "crew-t1")
      .where("from_ms", "<=", Date.now());
    expect(await today.execute()).toEqual([{ id: filed.duty_id }]);
    await button("[data-crew=crew-t1]", zhCn["filing.end"]).click();
    await bo.page.locator("dialog").waitFor();
    await send();
    await row.getByText(zhCn["filing.none"]).waitFor();
    expect(bo.complaints).toEqual([]);
  },
);

browserTest(
  "whoever has left stands in no form and in no crew's way, and the pages say the same in English",
  async () => {
    await tab("people");
    await button("[data-person=wang]", zhCn.edit).click();
    await bo.page.locator("dialog label", { hasText: zhCn["people.leave"] }).locator("input").check();
    await send();
    await bo.page.locator("[data-person=wang]").waitFor({ state: "detached" });
    await tab("crews");
    await button("[data-crew=crew-t1]", zhCn.edit).click();
    await fill({ [zhCn.phone]: "65005678" });
    await send();
    const crew = db().selectFrom("crews").select("phone").where("id", "=", "crew-t1");
    expect(await crew.executeTakeFirst()).toEqual({ phone: "65005678" });
    const { page, complaints, context } = await rig.person("Anna", "admin");
    await page.locator("a[href='/crews']").click();
    await page.locator("[data-crew=crew-t1]", { hasText: en["filing.none"] }).waitFor();
    await page.locator("[data-segment=units]").click();
    await page.locator("[data-unit=tuanjiehu]", { hasText: "水碓子社区" }).waitFor();
    expect([...bo.complaints, ...complaints]).toEqual([]);
    await context.close();
  },
);
