import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"];
const WATCHED_MS = 20_000;
/** Run in the page, as text: its globals are not ours. */
const WATCH_TASKS = `window.longTasks = [];
new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.longTasks.push(duration); })
  .observe({ type: "longtask", buffered: true });`;

/** The fleet page while all nodes talk: milliseconds until its rows stand, and how long its thread was ever held. */
export interface PageFigures {
  readonly firstMs: number;
  readonly filterMs: number;
  readonly sortMs: number;
  readonly groupMs: number;
  readonly nextMs: number;
  readonly longestTaskMs: number;
  readonly longestTaskWatchedMs: number;
  readonly heapMb: number;
}

/** @returns undefined where there is no Chromium */
export async function measureFleetPage(url: string, link: string): Promise<PageFigures | undefined> {
  if (!existsSync(CHROMIUM)) return undefined;
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(link);
    for (const at of [0, 1]) await page.locator("input[type=password]").nth(at).fill("a password of this bench");
    await page.locator("button[type=submit]").click();
    await page.waitForURL(({ pathname }) => pathname !== "/welcome");
    await page.addInitScript(WATCH_TASKS);
    const firstMs = await timed(async () => {
      await page.goto(`${url}/nodes`);
      await page.locator("[data-node]").nth(49).waitFor();
    });
    const chosen = (how: () => Promise<unknown>, search: (query: URLSearchParams) => boolean) =>
      timed(async () => {
        await how();
        await page.waitForURL(({ searchParams }) => search(searchParams));
        await page.locator(`[data-fleet="${new URL(page.url()).search}"]`).waitFor();
      });
    const filterMs = await chosen(
      () => page.locator("select[name=standing]").selectOption("ok"),
      (query) => query.get("standing") === "ok",
    );
    const sortMs = await chosen(
      () => page.locator("[data-sort=hoursToFull]").click(),
      (query) => query.get("sort") === "hoursToFull",
    );
    const groupMs = await chosen(
      () => page.locator("select[name=group]").selectOption("site"),
      (query) => query.get("group") === "site",
    );
    const nextMs = await chosen(
      () => page.locator("[data-fleet-next]").click(),
      (query) => query.has("cursor"),
    );
    const longestTaskMs = await longest(page);
    await page.goto(`${url}/nodes`);
    await page.locator("[data-node]").nth(49).waitFor();
    await page.evaluate("window.longTasks = []");
    await page.waitForTimeout(WATCHED_MS);
    const longestTaskWatchedMs = await longest(page);
    const heapMb = Math.round((await page.evaluate<number>("performance.memory?.usedJSHeapSize ?? 0")) / 1e6);
    const folder = process.env["SHAO_SCREENSHOTS"];
    if (folder !== undefined) await page.screenshot({ path: `${folder}/fleet-simulated.png` });
    return { firstMs, filterMs, sortMs, groupMs, nextMs, longestTaskMs, longestTaskWatchedMs, heapMb };
  } finally {
    await browser.close();
  }
}

async function timed(act: () => Promise<void>): Promise<number> {
  const fromMs = performance.now();
  await act();
  return Math.round(performance.now() - fromMs);
}

async function longest(page: Page): Promise<number> {
  return Math.round(await page.evaluate<number>("Math.max(0, ...window.longTasks)"));
}
