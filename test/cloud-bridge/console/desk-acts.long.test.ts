import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { stringify } from "yaml";
import { DEFAULT_CATALOGUE } from "../../../cloud-bridge/cases/default-catalogue.ts";
import { zhCn } from "../../../cloud-bridge/console/src/text/zh-cn.ts";
import { browserTest, hasBrowser } from "../../fakes/browser-test.ts";
import { ConsoleRig, type Person } from "../../fakes/console-rig.ts";
import { furnishCity } from "../../fakes/desk-city.ts";
import { dialogOf, rowOf, stateOf } from "../../fakes/desk-page.ts";

// What a form says is loaded with the page, which keeps its language in the browser.
vi.stubGlobal("localStorage", { getItem: () => null });
const { en: formsEn } = await import("../../../cloud-bridge/console/src/text/packs/act-forms.ts");
const { zhCn: rulesZh } = await import("../../../cloud-bridge/console/src/text/packs/rules.ts");
vi.unstubAllGlobals();

const PHONE = { width: 390, height: 844 };
const SOON = { timeout: 30_000 };
const STALL = "A stall before the school";

let rig: ConsoleRig;
let anna: Person;
let bo: Person;
beforeAll(async () => {
  if (!hasBrowser) return;
  rig = await ConsoleRig.start();
  await furnishCity(rig.bridge.store);
  anna = await rig.person("Anna", "dispatcher");
  bo = await rig.person("Bo", "admin", { locale: "zh-CN", colorScheme: "light" });
  for (const { page } of [anna, bo]) page.setDefaultTimeout(SOON.timeout);
});
afterAll(() => rig?.close());

const caseTitled = (title: string) =>
  rig.bridge.store.db.selectFrom("cases").selectAll().where("title", "=", title).executeTakeFirstOrThrow();

/** What the timeline says of the newest entry of a kind. */
async function saidOf(title: string, kind: string): Promise<{ actor: string; cause: string | null } | undefined> {
  const { id } = await caseTitled(title);
  const entries = rig.bridge.store.db.selectFrom("timeline").select(["actor", "cause"]);
  return entries.where("case_id", "=", id).where("kind", "=", kind).orderBy("seq", "desc").executeTakeFirst();
}

async function report({ page }: Person, externalId: string, title: string, place: object = {}): Promise<void> {
  const facts = { source: "hotline", externalId, channel: "order", title, category: "street-stall", ...place };
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(facts) };
  const asked = `fetch("/api/v1/reports", ${JSON.stringify(init)}).then(({ status }) => status)`;
  expect(await page.evaluate(asked)).toBe(201);
}

/** Opens a form by its key, or from the menu. */
async function ask(who: Person, act: { readonly key: string } | { readonly act: string; readonly isMore?: boolean }) {
  if ("key" in act) await who.page.keyboard.press(act.key);
  else {
    if (act.isMore === true) await who.page.locator("[data-more] summary").press("Enter");
    await who.page.locator(`[data-act=${act.act}]`).press("Enter");
  }
  await dialogOf(who).waitFor();
}

async function send(who: Person): Promise<void> {
  await who.page.keyboard.press("Control+Enter");
  await expect.poll(async () => (await dialogOf(who).allInnerTexts()).join(), SOON).toBe("");
}

browserTest(
  "a case is found by its coordinates, its crew is withdrawn, it closes under a name and opens again",
  async () => {
    await report(anna, "21", STALL);
    await rowOf(anna, STALL).click();
    await anna.page.locator("[data-act=locate]").waitFor();
    await ask(anna, { key: "l" });
    await anna.page.keyboard.type("behind the school");
    await anna.page.keyboard.press("Control+Enter");
    await anna.page.getByRole("alert").getByText(formsEn["locate.none"]).waitFor();
    await dialogOf(anna).locator("input").first().fill("39.918, 116.458");
    await send(anna);
    await anna.page.locator("[data-assign=crew-1]").waitFor();
    const placed = await caseTitled(STALL);
    expect(placed).toMatchObject({ latitude_deg: 39.918, longitude_deg: 116.458, to_locate: 0, unit_id: "hujialou" });

    await anna.page.locator("[data-assign=crew-1]").click();
    await stateOf(anna, "assigned");
    await ask(anna, { key: "w" });
    await anna.page.keyboard.type("needed at the fair");
    await send(anna);
    await stateOf(anna, "open");
    expect(await saidOf(STALL, "withdraw")).toEqual({ actor: "Anna", cause: "needed at the fair" });
    const crew = rig.bridge.store.db.selectFrom("crews").select("assignment_id").where("id", "=", "crew-1");
    expect(await crew.executeTakeFirst()).toEqual({ assignment_id: null });

    await rowOf(bo, STALL).click();
    await stateOf(bo, "open");
    await ask(bo, { act: "close-unverified", isMore: true });
    await bo.page.keyboard.press("Control+Enter");
    expect((await caseTitled(STALL)).state).toBe("open");
    await bo.page.locator("dialog textarea").fill("邻居说已经撤摊");
    await send(bo);
    await stateOf(anna, "closed-unverified");
    expect(await saidOf(STALL, "close-unverified")).toEqual({ actor: "Bo", cause: "邻居说已经撤摊" });
    await ask(anna, { act: "reopen" });
    await anna.page.keyboard.type("it is there again");
    await send(anna);
    await stateOf(anna, "open");
    expect(await caseTitled(STALL)).toMatchObject({ reopen_count: 1, closed_at_ms: null });
    expect([...anna.complaints, ...bo.complaints]).toEqual([]);
  },
);

browserTest("a whistle is withdrawn by its street, and another sent back by the centre, in Chinese", async () => {
  await rowOf(anna, STALL).click();
  await stateOf(anna, "open");
  // By its words: a desk that has just been told may still show an earlier one as it was.
  const filed = ({ page }: Person, text: string) => page.locator("[data-whistle=filed]", { hasText: text });
  const blow = async (text: string): Promise<void> => {
    await ask(anna, { key: "b" });
    await anna.page.locator("dialog label", { hasText: "Police" }).locator("input[type=checkbox]").press(" ");
    await anna.page.locator("dialog textarea").fill(text);
    await send(anna);
    await filed(anna, text).waitFor();
  };
  await blow("Keep the gate clear");
  await anna.page.locator("[data-step=withdraw]").press("Enter");
  await dialogOf(anna).waitFor();
  await anna.page.keyboard.type("the gate is clear");
  await send(anna);
  await anna.page.locator("[data-whistle=withdrawn]").waitFor();

  await blow("Keep the road clear");
  await rowOf(bo, STALL).click();
  await filed(bo, "Keep the road clear").locator("[data-step=reject]").press("Enter");
  await dialogOf(bo).waitFor();
  await bo.page.keyboard.type("街道自行处理");
  await send(bo);
  await bo.page.locator("[data-whistle=rejected]", { hasText: "街道自行处理" }).waitFor();
  // A part offers what the bridge takes from where it stands, and nothing that it refuses.
  await blow("Take the stall away");
  await filed(bo, "Take the stall away").locator("[data-step=approve]").press("Enter");
  await dialogOf(bo).waitFor();
  await send(bo);
  const offered = (leg: string) =>
    anna.page
      .locator(`[data-leg=${leg}] [data-step]`)
      .evaluateAll((all) => all.map((one) => one.getAttribute("data-step")));
  await anna.page.locator("[data-leg=called]").waitFor();
  expect(await offered("called")).toEqual(["receive", "on-scene", "return"]);
  await anna.page.locator("[data-step=receive]").press("Enter");
  await dialogOf(anna).waitFor();
  await send(anna);
  await anna.page.locator("[data-leg=received]").waitFor();
  expect(await offered("received")).toEqual(["on-scene", "return"]);
  await anna.page.locator("[data-whistle=started] > p [data-step=withdraw]").press("Enter");
  await dialogOf(anna).waitFor();
  await anna.page.keyboard.type("it has gone");
  await send(anna);
  const whistles = await rig.bridge.store.db
    .selectFrom("whistles")
    .select(["state", "opinion"])
    .orderBy("blown_at_ms")
    .execute();
  expect(whistles).toEqual([
    { state: "withdrawn", opinion: null },
    { state: "rejected", opinion: "街道自行处理" },
    { state: "withdrawn", opinion: null },
  ]);
  expect([...anna.complaints, ...bo.complaints]).toEqual([]);
});

browserTest(
  "a photo from a dead spot waits on the phone, outlives the last button, and is evidence once there is a line",
  async () => {
    await rowOf(anna, STALL).click();
    await anna.page.locator("[data-assign=crew-2]").click();
    const phone = await rig.person("Liu Yang", "crew", { crewId: "crew-2", viewport: PHONE });
    phone.page.setDefaultTimeout(SOON.timeout);
    await phone.page.locator("[data-crew-act=acknowledge]").click();
    await stateOf(anna, "acknowledged");
    await phone.page.locator("[data-crew-photo]").waitFor({ state: "attached" });
    const jpeg = await anna.page.screenshot({ type: "jpeg", quality: 40 });
    await phone.context.setOffline(true);
    const picture = { name: "stall.jpg", mimeType: "image/jpeg", buffer: jpeg };
    const takenFromMs = Date.now();
    await phone.page.locator("[data-crew-photo]").setInputFiles(picture);
    await phone.page.locator("[data-photos-waiting='1']").waitFor();
    for (const act of ["en-route", "on-scene", "resolved"]) await phone.page.locator(`[data-crew-act=${act}]`).click();
    await phone.page.locator(".crew-idle").waitFor();
    await phone.page.locator("[data-photos-waiting='1']").waitFor();
    const takenToMs = Date.now();
    const evidence = rig.bridge.store.db.selectFrom("case_evidence").selectAll();
    expect(await evidence.execute()).toEqual([]);
    const isTooWide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
    expect(await phone.page.evaluate(isTooWide)).toBe(false);

    await phone.context.setOffline(false);
    await expect.poll(async () => (await evidence.execute()).length, SOON).toBe(1);
    const [photo] = await evidence.execute();
    expect(photo).toMatchObject({ author: "Liu Yang", crew_id: "crew-2", case_id: (await caseTitled(STALL)).id });
    expect(photo?.device_time_ms).toBeGreaterThanOrEqual(takenFromMs);
    expect(photo?.device_time_ms).toBeLessThanOrEqual(takenToMs);
    const part = rig.bridge.store.db.selectFrom("evidence_parts").select("sha256");
    const sha256 = createHash("sha256").update(jpeg).digest("hex");
    expect(await part.where("evidence_id", "=", photo?.evidence_id ?? "").execute()).toEqual([{ sha256 }]);
    await phone.page.locator("[data-photos-waiting]").waitFor({ state: "detached" });
    await stateOf(anna, "verifying");
    await anna.page.locator("[data-media=photo]").waitFor();
    expect(await saidOf(STALL, "photo")).toMatchObject({ actor: "Liu Yang" });
    expect([...anna.complaints, ...phone.complaints]).toEqual([]);
    await phone.context.close();
  },
);

browserTest("a city's tables are loaded from a file of YAML, and one that cannot be read says where", async () => {
  const { page } = bo;
  await page.locator("a[href='/rules']").click();
  await page.locator("[data-segment=tables]").click();
  const file = (text: string) => ({ name: "own.yaml", mimeType: "application/yaml", buffer: Buffer.from(text) });
  const choose = page.locator("[data-tables-file]");
  await choose.setInputFiles(file("name: [beijing\nversion: 1"));
  await page
    .getByRole("alert")
    .getByText(rulesZh["tables.unreadable"].split("{")[0] ?? "")
    .waitFor();
  const [first, ...others] = DEFAULT_CATALOGUE.slaClasses;
  const own = { ...DEFAULT_CATALOGUE, name: "beijing", version: "2", inForceFrom: "2026-01-01T00:00:00+08:00" };
  const text = `# 北京市\n${stringify({ ...own, slaClasses: [{ ...first, arriveMinutes: 9 }, ...others] })}`;
  await choose.setInputFiles(file(text));
  await page.locator("[data-change=changed]", { hasText: `arriveMinutes: ${first?.arriveMinutes} → 9` }).waitFor();
  await page.locator("[data-load-tables]").press("Enter");
  await page.locator("[data-catalogue='2']", { hasText: "beijing" }).waitFor();
  await page.getByRole("heading", { name: zhCn["nav.rules"] }).waitFor();
  expect(bo.complaints).toEqual([]);
});
