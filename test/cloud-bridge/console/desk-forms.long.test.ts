import { afterAll, beforeAll, expect } from "vitest";
import { DEFAULT_CATALOGUE } from "../../../cloud-bridge/cases/default-catalogue.ts";
import { en } from "../../../cloud-bridge/console/src/text/en.ts";
import { browserTest, hasBrowser } from "../../fakes/browser-test.ts";
import { ConsoleRig, type Person } from "../../fakes/console-rig.ts";
import { furnishCity, keepStill } from "../../fakes/desk-city.ts";
import { dialogOf, rowOf, stateOf } from "../../fakes/desk-page.ts";
import type { PaperNode } from "../../fakes/paper-node.ts";

const SITE = { name: "Guanghua Road block 7", latitudeDeg: 39.912, longitudeDeg: 116.456 };
const PHONE = { width: 390, height: 844 };
const SOON = { timeout: 10_000 };
const STALL = "A stall on the pavement";

let rig: ConsoleRig;
let meter: PaperNode;
let anna: Person;
let bo: Person;
beforeAll(async () => {
  if (!hasBrowser) return;
  rig = await ConsoleRig.start();
  await furnishCity(rig.bridge.store);
  meter = await rig.node("site-042", SITE);
  [anna, bo] = await Promise.all([rig.person("Anna", "dispatcher"), rig.person("Bo", "admin")]);
});
afterAll(async () => {
  await meter?.leave();
  await rig?.close();
});

const entryOf = ({ page }: Person, name: keyof typeof en) => page.locator(".entry", { hasText: en[name] });

/** Keys one after the other, as somebody presses them who does not look for the mouse. */
async function press({ page }: Person, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** Opens a form by its key, or from the menu whose arrow is reached by Tab. */
async function ask(who: Person, act: { readonly key: string } | { readonly more: string }): Promise<void> {
  if ("key" in act) await press(who, act.key);
  else {
    await who.page.locator("[data-more] summary").press("Enter");
    await who.page.locator(`[data-act=${act.more}]`).press("Enter");
  }
  await dialogOf(who).waitFor();
}

async function write(who: Person, text: string): Promise<void> {
  await who.page.keyboard.type(text);
}

/** What a form says that is open: what went wrong stands in it. */
async function saidIn(who: Person): Promise<string> {
  const [text = ""] = await dialogOf(who).allInnerTexts();
  return text;
}

/** Control and Enter, from whatever field. */
async function send(who: Person): Promise<void> {
  await press(who, "Control+Enter");
  await expect.poll(() => saidIn(who), SOON).toBe("");
}

/** A report as a hotline hands it in, through the session of somebody's page. */
async function report({ page }: Person, externalId: string, title: string, category = "street-stall"): Promise<void> {
  const reporter = { name: "Ms Sun", contact: "13800000000" };
  const place = { siteId: "block-9", category, reporter };
  const body = JSON.stringify({ source: "hotline", externalId, channel: "order", title, ...place });
  const init = `{ method: "POST", headers: { "content-type": "application/json" }, body: ${JSON.stringify(body)} }`;
  expect(await page.evaluate(`fetch("/api/v1/reports", ${init}).then(({ status }) => status)`)).toBe(201);
}

const caseTitled = (title: string) =>
  rig.bridge.store.db.selectFrom("cases").selectAll().where("title", "=", title).executeTakeFirstOrThrow();

browserTest("a report's case takes its whole way by keyboard, from its category to the reporter's word", async () => {
  await report(anna, "7", STALL);
  await rowOf(anna, STALL).click();
  await stateOf(anna, "open");
  await anna.page.locator("[data-assign=crew-1]").waitFor();

  // The menu closes like a menu, and each form gives the focus back.
  await anna.page.locator("[data-more] summary").press("Enter");
  await press(anna, "Tab", "Escape");
  expect(await anna.page.locator("[data-more][open]").count()).toBe(0);
  await ask(anna, { more: "categorise" });
  await press(anna, "Escape");
  await expect.poll(() => anna.page.locator("[data-more] summary:focus").count()).toBe(1);

  await ask(anna, { more: "categorise" });
  await write(anna, "Spill");
  await send(anna);
  await anna.page.locator("[data-case-facts]", { hasText: "Spillage" }).waitFor();
  await ask(anna, { more: "transfer" });
  await write(anna, "Enforcement");
  await press(anna, "Tab");
  await write(anna, "their street");
  await send(anna);
  await entryOf(anna, "entry.transfer").getByText("their street").waitFor();

  // Suspended until eight in the morning by the site's clock, which is not the clock of this browser.
  await ask(anna, { key: "s" });
  await press(anna, "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "Tab");
  await anna.page.locator("dialog input[type=datetime-local]").fill("2027-01-01T08:00");
  await anna.page.locator("dialog input[name=reason]:checked").focus();
  await press(anna, "ArrowRight");
  expect(await anna.page.locator("dialog textarea").inputValue()).toBe("Weather");
  await send(anna);
  await stateOf(anna, "suspended");
  expect((await caseTitled(STALL)).suspended_until_ms).toBe(Date.UTC(2027, 0, 1, 2));
  await anna.page.locator("[data-act=resume]").press("Enter");
  await stateOf(anna, "open");

  // A crew, another instead, and the first as well; then the one on the phone goes.
  await press(anna, "a", "Enter");
  await stateOf(anna, "assigned");
  await anna.page.locator("[data-send='reassign crew-2']").press("Enter");
  await dialogOf(anna).waitFor();
  await write(anna, "nearer by car");
  await send(anna);
  await entryOf(anna, "entry.reassign").getByText("nearer by car").waitFor();
  await anna.page.locator("[data-send='back-up crew-1']").press("Enter");
  await dialogOf(anna).waitFor();
  await send(anna);
  await anna.page.locator("[data-candidate=crew-1]", { hasText: en["act.back-up"] }).waitFor();
  const phone = await rig.person("Liu Yang", "crew", { crewId: "crew-2", viewport: PHONE });
  for (const [act, state] of [
    ["acknowledge", "acknowledged"],
    ["en-route", "en-route"],
    ["on-scene", "on-scene"],
    ["resolved", "verifying"],
  ] as const) {
    await phone.page.locator(`[data-crew-act=${act}]`).click();
    await stateOf(anna, state);
  }
  await phone.context.close();

  await ask(anna, { key: "o" });
  await write(anna, "Cleared, the owner was told");
  await press(anna, "Tab");
  await write(anna, "Trading");
  await press(anna, "Tab", "Tab");
  await write(anna, "200.50");
  await send(anna);
  await anna.page.locator("[data-case-facts]", { hasText: "200.50" }).waitFor();

  // Nothing was photographed: the form says by what the case closes, and that closes it.
  await ask(anna, { key: "c" });
  await anna.page.locator("dialog [data-no-evidence]").waitFor();
  expect(await anna.page.locator("dialog button[type=submit]").count()).toBe(0);
  await press(anna, "Escape");
  await anna.page.locator("[data-call-back]").press("Enter");
  await dialogOf(anna).waitFor();
  await press(anna, "ArrowRight", "ArrowLeft", "Tab", "ArrowLeft");
  await send(anna);
  await stateOf(anna, "closed");
  expect(await caseTitled(STALL)).toMatchObject({ satisfaction: 5, fine_cny: 200.5, unit_id: "chengguan" });
  expect([...anna.complaints]).toEqual([]);
});

browserTest("a whistle calls two departments, each with its part and its clock, and both sides rate", async () => {
  await report(anna, "8", "Smoke and noise at the fair", "noise");
  await rowOf(anna, "Smoke and noise").click();
  await stateOf(anna, "open");
  await ask(anna, { key: "b" });
  await press(anna, "ArrowRight");
  for (const name of ["Enforcement", "Fire brigade"]) {
    await anna.page.locator("dialog label", { hasText: name }).locator("input[type=checkbox]").press(" ");
  }
  await anna.page.locator("dialog input[name=lead]:checked").focus();
  await press(anna, "ArrowRight", "Tab");
  await write(anna, "Smoke from the grills");
  await send(anna);
  await anna.page.locator("[data-whistle=filed]", { hasText: "Key whistle" }).waitFor();

  await rowOf(bo, "Smoke and noise").click();
  await bo.page.locator("[data-step=approve]").press("Enter");
  await dialogOf(bo).waitFor();
  await send(bo);
  await anna.page.locator("[data-whistle=started]").waitFor();
  const leg = (name: string) => anna.page.locator("[data-leg]", { hasText: name });
  const step = async (name: string, what: string, text?: string): Promise<void> => {
    await leg(name).locator(`[data-step=${what}]`).press("Enter");
    await dialogOf(anna).waitFor();
    if (text !== undefined) await write(anna, text);
    await send(anna);
  };
  await leg("Fire brigade").getByText("leads").waitFor();
  expect(await leg("Fire brigade").innerText()).toMatch(/there by .* · handled by /);
  await step("Fire brigade", "receive");
  await step("Fire brigade", "on-scene");
  await step("Fire brigade", "handled", "Two grills taken away");
  await step("Enforcement", "return", "no trade without a licence");
  await anna.page.locator("[data-leg=returned]", { hasText: "Enforcement" }).waitFor();
  await leg("Fire brigade").locator("[data-step=rate-unit]").press("Enter");
  await anna.page.locator("dialog input[value='4']").check();
  await send(anna);
  await leg("Fire brigade").getByText("department 4 of 5").waitFor();
  await leg("Fire brigade").locator("[data-step=rate-caller]").press("Enter");
  await dialogOf(anna).waitFor();
  await press(anna, "ArrowLeft");
  await send(anna);
  await leg("Fire brigade").getByText("caller 5 of 5").waitFor();
  await anna.page.locator("[data-step=archive]").press("Enter");
  await dialogOf(anna).waitFor();
  await send(anna);
  await anna.page.locator("[data-whistle=archived]").waitFor();
  expect(await leg("Fire brigade").innerText()).toContain("Two grills taken away");

  // A part of it is a case of its own, at its unit.
  await ask(anna, { more: "open-child" });
  await write(anna, "Rubbish left behind");
  await press(anna, "Tab", "Tab");
  await write(anna, "Enforcement");
  await press(anna, "Tab");
  await write(anna, "for the morning");
  await send(anna);
  await anna.page.locator("[data-whistles] a", { hasText: "Rubbish left behind" }).click();
  await anna.page.locator("h2", { hasText: "Rubbish left behind" }).waitFor();
  expect(await caseTitled("Rubbish left behind")).toMatchObject({ unit_id: "chengguan" });

  // It turns out to be the same as one reported elsewhere: merged into the nearest, which the form names first.
  await ask(anna, { more: "merge" });
  await press(anna, "ArrowDown", "Tab");
  await write(anna, "the same rubbish");
  await send(anna);
  await stateOf(anna, "merged");
  await anna.page.locator("[data-case-facts] a").first().waitFor();
  expect([...anna.complaints, ...bo.complaints]).toEqual([]);
});

browserTest("what a camera saw closes by the still that is picked, not by another; a false alarm ends", async () => {
  const jpeg = await anna.page.screenshot({ type: "jpeg" });
  const evidence = ["still-1", "still-2"];
  const alarmId = await meter.see("uncovered-truck", evidence);
  for (const [i, evidenceId] of evidence.entries()) {
    const still = { node: "site-042", alarmId, evidenceId, jpeg: Buffer.concat([jpeg, Buffer.from([i])]) };
    await keepStill(rig.bridge.store, rig.state, still);
  }
  await rowOf(bo, SITE.name).click();
  await bo.page.locator("[data-media=snapshot]").nth(1).waitFor();
  await ask(bo, { key: "c" });
  const picks = bo.page.locator("dialog [data-pick]");
  expect(await picks.locator("img").count()).toBe(2);
  await write(bo, "the truck is covered");
  // None: refused by the form. One: that one, and no other, stands in the timeline.
  for (const at of [0, 1]) await picks.nth(at).locator("input").setChecked(false);
  await press(bo, "Control+Enter");
  await bo.page.getByRole("alert").waitFor();
  await bo.page.locator("[data-pick=still-1] input").press(" ");
  await send(bo);
  await stateOf(bo, "closed");
  const closed = await caseTitled(`uncovered-truck · ${SITE.name} · cam-01`);
  const { detail } = await rig.bridge.store.db
    .selectFrom("timeline")
    .select("detail")
    .where("case_id", "=", closed.id)
    .where("kind", "=", "close-event")
    .executeTakeFirstOrThrow();
  expect(JSON.parse(String(detail))).toMatchObject({ evidence: ["still-1"] });

  await meter.raise(74.2);
  await rowOf(bo, SITE.name).first().click();
  await stateOf(bo, "open");
  await ask(bo, { key: "f" });
  await write(bo, "a birthday, over by now");
  await send(bo);
  await stateOf(bo, "false-alarm");
  await ask(bo, { key: "n" });
  await write(bo, "called the host");
  await send(bo);
  await entryOf(bo, "entry.note").getByText("called the host").waitFor();
  expect(bo.complaints).toEqual([]);
});

browserTest("permits, maintenance and the city's tables are kept on their page, by the clock of the site", async () => {
  const { page } = bo;
  const { db } = rig.bridge.store;
  await page.locator("a[href='/rules']").click();
  await page.locator("[data-add-permit]").press("Enter");
  await write(bo, "2026-CY-0117");
  await press(bo, "Tab");
  await write(bo, "Guanghua Road block 9");
  const span = page.locator("dialog input[type=datetime-local]");
  await span.nth(0).fill("2030-01-02T22:00");
  await span.nth(1).fill("2030-01-02T21:00");
  await press(bo, "Control+Enter");
  await page.getByRole("alert").getByText("The end must be after the beginning.").waitFor();
  await span.nth(1).fill("2030-01-03T06:00");
  await send(bo);
  await page.locator("[data-permit=coming]", { hasText: "Jan 2, 22:00" }).waitFor();
  const permit = await db.selectFrom("permits").select(["from_ms", "to_ms"]).executeTakeFirstOrThrow();
  expect(permit).toEqual({ from_ms: Date.UTC(2030, 0, 2, 16), to_ms: Date.UTC(2030, 0, 3, 0) });
  await page.locator("[data-revoke]").press("Enter");
  await dialogOf(bo).waitFor();
  await write(bo, "works were called off");
  await send(bo);
  await page.locator("[data-permit=revoked]", { hasText: "called off" }).waitFor();

  await page.locator("[data-segment=work]").click();
  await page.locator("[data-add-work]").press("Enter");
  await dialogOf(bo).waitFor();
  await press(bo, "ArrowRight", "Tab");
  await write(bo, "site-042");
  await page.locator("dialog textarea").fill("the meter is calibrated");
  await send(bo);
  await page.locator("[data-work=holds]", { hasText: "site-042" }).waitFor();
  await page.locator("[data-end-work]").press("Enter");
  await dialogOf(bo).waitFor();
  await send(bo);
  await page.locator("[data-work=over]").waitFor();

  await page.locator("[data-segment=tables]").click();
  const [first, ...others] = DEFAULT_CATALOGUE.slaClasses;
  const own = { ...DEFAULT_CATALOGUE, name: "beijing", version: "1", inForceFrom: "2026-01-01T00:00:00+08:00" };
  const file = (tables: unknown) => ({
    name: "own.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(tables)),
  });
  const load = page.locator("[data-load-tables]");
  await page.locator("[data-tables-file]").setInputFiles(file({ ...own, defaultSla: "nobody", categories: 7 }));
  await load.press("Enter");
  await page.locator("[data-table-faults] li", { hasText: "/categories" }).waitFor();
  await page
    .locator("[data-tables-file]")
    .setInputFiles(file({ ...own, slaClasses: [{ ...first, arriveMinutes: 7 }, ...others] }));
  await page.locator("[data-change=changed]", { hasText: `arriveMinutes: ${first?.arriveMinutes} → 7` }).waitFor();
  expect(await page.locator("[data-change]").count()).toBe(1);
  await load.press("Enter");
  await page.locator("[data-catalogue='1']", { hasText: "beijing" }).waitFor();
  expect(bo.complaints).toEqual([]);
});

browserTest("the plan is to scale, and a keyboard moves, zooms and resets it", async () => {
  const { page } = anna;
  await press(anna, "x");
  const plan = page.locator("[data-plan]");
  await plan.focus();
  const bar = () => plan.locator(".plan-bar text").textContent();
  const place = () => plan.locator(".plan-site").first().getAttribute("transform");
  const [whole, there] = [await bar(), await place()];
  await press(anna, "+", "+", "+");
  await expect.poll(bar).not.toBe(whole);
  await press(anna, "ArrowLeft");
  await expect.poll(place).not.toBe(there);
  await press(anna, "0");
  await expect.poll(bar).toBe(whole);
  expect(await place()).toBe(there);
  expect(await plan.locator(".plan-fence, .plan-ground, .plan-unit").count()).toBeGreaterThanOrEqual(5);
});
