import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect } from "vitest";
import { en } from "../../../cloud-bridge/console/src/text/en.ts";
import { putCrew } from "../../../cloud-bridge/roster/crews.ts";
import { addDuty } from "../../../cloud-bridge/roster/duties.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { browserTest, hasBrowser } from "../../fakes/browser-test.ts";
import { ConsoleRig, setPassword } from "../../fakes/console-rig.ts";
import type { PaperNode } from "../../fakes/paper-node.ts";

const MARKS = JSON.stringify([{ seq: 1, upMs: 0, utcMs: Date.now() - 3_600_000, quality: "gnss" }]);
const SITE = { name: "Guanghua Road block 7", latitudeDeg: 39.912, longitudeDeg: 116.456 };
const PHONE = { width: 390, height: 844 };
const HERE = { latitude: 39.915, longitude: 116.459 };

const SOON = { timeout: 10_000 };
/** Run in the page, as text: its globals are not ours. */
const LIVE_POINTS = "Number(document.querySelector('[data-live-points]')?.dataset.livePoints)";
const CHART_POINTS = "Number(document.querySelector('.chart')?.dataset.points)";
const SEEN = `({
  language: document.documentElement.lang,
  theme: document.documentElement.dataset.theme,
  text: document.body.innerText,
})`;

let rig: ConsoleRig;
let meter: PaperNode;
beforeAll(async () => {
  if (!hasBrowser) return;
  rig = await ConsoleRig.start();
  const { db } = rig.bridge.store;
  await putUnit(db, { id: "hujialou", name: "Hujialou street", level: "street" });
  for (const [id, name] of [
    ["crew-2", "Hujialou 2"],
    ["crew-3", "Hujialou 3"],
  ] as const) {
    await putCrew(db, { id, name, unitId: "hujialou" });
    await addDuty(db, { crewId: id, fromMs: Date.now() - 1000, toMs: Date.now() + 3_600_000 });
  }
  meter = await rig.node("site-042", SITE);
});
afterAll(async () => {
  await meter?.leave();
  await rig?.close();
});

browserTest(
  "the first administrator comes in by the one-time link, once, and its token leaves the address",
  async () => {
    const { page, context, complaints } = await rig.visitor();
    const link = rig.bridge.adminLink ?? "";
    await page.goto(link);
    await page.waitForURL((url) => url.hash === "");
    await setPassword(page);
    await page.waitForSelector(".tabs");
    expect(new URL(page.url()).pathname).toBe("/desk");
    await page.getByRole("button", { name: en["session.sign-out"] }).click();
    await page.waitForSelector("input[autocomplete=username]");

    await page.goto(link);
    await page.locator("input[type=password]").nth(0).fill("another long password");
    await page.locator("input[type=password]").nth(1).fill("another long password");
    await page.locator("button[type=submit]").click();
    await page.getByRole("alert").getByText(en["problem.INVITE_REFUSED.title"]).waitFor();
    await page.getByText(en["problem.INVITE_REFUSED.hint"]).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  },
);

browserTest(
  "the desk sends a crew, its phone shows the task without a reload, and each sees what the other does",
  async () => {
    const desk = await rig.person("Zhang Wei", "dispatcher");
    const phone = await rig.person("Liu Yang", "crew", { crewId: "crew-2", viewport: PHONE, geolocation: HERE });
    await phone.page.getByText(en["crew.idle"], { exact: true }).waitFor();
    await phone.page.getByText(en["crew.position.sending"]).waitFor();

    await meter.raise(76.4);
    const row = desk.page.locator(".case-row", { hasText: SITE.name }).first();
    await row.waitFor();
    expect(await desk.page.title()).toMatch(/^\(1\)/);
    await row.click();
    await expect.poll(() => desk.page.title()).not.toMatch(/^\(/);
    await desk.page.locator("[data-case-state=open]").waitFor();

    await desk.page.locator("[data-assign=crew-2]").click();
    await phone.page.locator("[data-assignment-state=assigned]").waitFor();
    await phone.page.getByRole("heading", { name: SITE.name }).waitFor();
    const button = phone.page.locator("[data-crew-act=acknowledge]");
    expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(60);
    await button.click();
    await desk.page.locator("[data-case-state=acknowledged]").waitFor();
    await desk.page.locator(".entry.by-crew-page", { hasText: "Liu Yang" }).first().waitFor();

    await phone.context.setOffline(true);
    await phone.page.locator("[data-crew-act=en-route]").click();
    await phone.page.getByText(en["crew.pending"]).waitFor();
    await phone.page.locator("[data-assignment-state=en-route]").waitFor();
    await phone.page.waitForTimeout(300);
    expect(await desk.page.locator("[data-case-state]").getAttribute("data-case-state")).toBe("acknowledged");
    await phone.context.setOffline(false);
    await desk.page.locator("[data-case-state=en-route]").waitFor();
    await phone.page.getByText(en["crew.pending"]).waitFor({ state: "detached" });

    await desk.page.locator("[data-act=note]").click();
    await desk.page.locator("dialog textarea").fill("Called the site manager.");
    await desk.page.locator("dialog button[type=submit]").click();
    await desk.page.locator(".entry-cause", { hasText: "Called the site manager." }).waitFor();
    expect([...desk.complaints, ...phone.complaints]).toEqual([]);
    await desk.context.close();
    await phone.context.close();
  },
);

browserTest(
  "a node page takes a live lease and draws levels as they come, beside three facts and the accounting",
  async () => {
    const { page, context, complaints } = await rig.person("Sun Li", "operator");
    const card = page.locator("[data-node=site-042]");
    await card.waitFor();
    await card.getByText(en["transport.connected"], { exact: true }).waitFor();
    await card.getByText(/received \d+ of \d+, 0 outstanding, 0 unexplained/).waitFor();
    await card.getByRole("link").click();
    await expect.poll(() => page.evaluate(LIVE_POINTS), SOON).toBeGreaterThanOrEqual(3);
    await page.locator(".chart canvas").waitFor();
    await page.getByRole("tab", { name: en["live.show.hour"] }).click();
    await expect.poll(() => page.evaluate(CHART_POINTS), SOON).toBeGreaterThanOrEqual(540);

    await page.goto(`${rig.bridge.url}/nodes`);
    await page.getByRole("button", { name: en["nodes.add"] }).click();
    await page.locator("dialog input").fill("site-043");
    await page.locator("dialog button[type=submit]").click();
    await page.locator("dialog code", { hasText: `shao enroll ${rig.bridge.url} ` }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  },
);

browserTest(
  "a node's accounts open by keyboard: at a glance each run, on demand its ranges with times, in both languages and themes",
  async () => {
    const { db } = rig.bridge.store;
    const torn = {
      node: "site-042",
      declared: "[[40,49]]",
      reasons: '{"quota":[[40,49]]}',
      stored: "[[1,39],[50,90]]",
    };
    const sums = { head: 100, stored_count: 80, declared_count: 10, shed_quota: 10, gaps: 10, listed: 0 };
    const received = { first_received_ms: Date.now(), last_received_ms: Date.now(), time_marks: MARKS };
    const run = "torn-run-with-22-chars";
    await db
      .insertInto("runs")
      .values({ ...torn, ...sums, ...received, run })
      .execute();
    for (const [locale, colorScheme] of [
      ["en-GB", "light"],
      ["zh-CN", "dark"],
    ] as const) {
      const person = await rig.person(`Keeper ${locale}`, "operator", { locale, colorScheme });
      const { page, context, complaints } = person;
      await page.goto(`${rig.bridge.url}/nodes/site-042`);
      const row = page.locator(".runs li", { has: page.locator(`abbr[title=${run}]`) });
      await row.locator("summary").focus();
      await page.keyboard.press("Enter");
      await row.locator("tbody tr").nth(3).waitFor();
      expect(await row.locator("tbody tr").count()).toBe(4);
      expect(await row.locator(".custody-strip .cell.is-unexplained").count()).toBe(6);
      const words = locale === "en-GB" ? "received 80 of 100, 0 outstanding, 10 unexplained" : "不明 10";
      expect(await row.innerText()).toContain(words);
      const folder = process.env["SHAO_SCREENSHOTS"];
      if (folder !== undefined) await page.screenshot({ path: join(folder, `custody-${locale}.png`), fullPage: true });
      expect(complaints).toEqual([]);
      await context.close();
    }
    await db.deleteFrom("runs").where("run", "=", run).execute();
  },
);

browserTest("what happened while the bridge was away is on the page when it is back, without a reload", async () => {
  const desk = await rig.person("Wang Fang", "dispatcher");
  const row = desk.page.locator(".case-row").first();
  await row.click();
  const state = desk.page.locator("[data-case-state]");
  await state.waitFor();
  await desk.page.evaluate("window.isSamePage = true");
  await meter.leave();
  await rig.restartBridge();
  await meter.connect();
  await meter.raise(79.2);
  await desk.page.locator(".entry", { hasText: en["entry.alarm-joined"] }).first().waitFor();
  await desk.page.locator(".pill.is-good").waitFor();
  expect(await desk.page.evaluate("window.isSamePage")).toBe(true);
  expect(desk.complaints).toEqual([]);
  await desk.context.close();
});

browserTest.for([
  { locale: "zh-CN", colorScheme: "light" },
  { locale: "en-GB", colorScheme: "dark" },
] as const)(
  "speaks $locale in $colorScheme as the browser asks, and switches both",
  async ({ locale, colorScheme }) => {
    const desk = await rig.person(`viewer ${locale}`, "viewer", { locale, colorScheme });
    const { page } = desk;
    await page.locator(".case-row").first().waitFor();
    const seen = () => page.evaluate<{ language: string; theme: string; text: string }>(SEEN);
    const isChinese = locale === "zh-CN";
    expect(await seen()).toMatchObject({ language: isChinese ? "zh-CN" : "en", theme: colorScheme });
    // Of the sentences of the other language, none may be left; single words may be names or data.
    const sentences = Object.values(en).filter((text) => /^[A-Z][a-z]+ [a-z]+ [a-z ]+$/.test(text));
    const { text } = await seen();
    if (isChinese) expect(sentences.filter((sentence) => text.includes(sentence))).toEqual([]);
    else expect(text.replace(/中文/g, "")).not.toMatch(/[\u4e00-\u9fff]/);

    await page.locator(".chip[lang]").click();
    await expect.poll(seen).toMatchObject({ language: isChinese ? "en" : "zh-CN" });
    const themeSwitch = page.locator(".top-right .chip.is-square").nth(1);
    await themeSwitch.click();
    await expect.poll(seen).toMatchObject({ theme: "light" });
    await themeSwitch.click();
    await expect.poll(seen).toMatchObject({ theme: "dark" });
    await page.reload();
    await page.locator(".case-row").first().waitFor();
    expect(await seen()).toMatchObject({ language: isChinese ? "en" : "zh-CN", theme: "dark" });
    expect(desk.complaints).toEqual([]);
    await desk.context.close();
  },
);

browserTest("two tabs of one browser share one stream", async () => {
  const desk = await rig.person("Ma Lin", "dispatcher");
  const second = await desk.context.newPage();
  await second.goto(`${rig.bridge.url}/desk`);
  await second.locator(".pill.is-good").waitFor();
  const streams = "fetch('/health').then((answer) => answer.json()).then(({ streams }) => streams)";
  await expect.poll(() => second.evaluate(streams), SOON).toBe(1);
  await desk.context.close();
});

browserTest("the first screen is at most 60 kB, and the drawing library is not in it", () => {
  const html = readFileSync(join(rig.dist, "index.html"), "utf8");
  const linked = [...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, name = ""]) => name);
  const worker = readdirSync(join(rig.dist, "assets")).filter((name) => name.startsWith("events-worker"));
  const files = ["index.html", ...linked, ...worker.map((name) => `assets/${name}`)];
  const bytes = files.map((name) => readFileSync(join(rig.dist, name)));
  const sizeBytes = bytes.reduce((sum, file) => sum + gzipSync(file).length, 0);
  console.info(`first screen: ${files.length} files, ${sizeBytes} bytes gzip`);
  expect(files.length).toBeGreaterThanOrEqual(4);
  expect(sizeBytes).toBeLessThanOrEqual(60_000);
  expect(bytes.some((file) => file.includes("u-over"))).toBe(false);
  expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style=|https?:/);
});
