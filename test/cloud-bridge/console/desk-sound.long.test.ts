import { expect } from "vitest";
import { browserTest } from "../../fakes/browser-test.ts";
import { ConsoleRig } from "../../fakes/console-rig.ts";

const SITE = { name: "Guanghua Road block 7", latitudeDeg: 39.912, longitudeDeg: 116.456 };
const COUNT_TONES = `window.tones = 0;
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (...when) { window.tones += 1; return start.apply(this, when); };`;
/** A call is repeated every eight seconds. */
const A_REPEAT = { timeout: 15_000 };
const LONGER_THAN_A_REPEAT_MS = 10_000;

browserTest("a new case sounds until somebody has seen it, and then no more", async () => {
  const rig = await ConsoleRig.start();
  const meter = await rig.node("site-042", SITE);
  const { page } = await rig.person("Anna", "dispatcher");
  await page.addInitScript(COUNT_TONES);
  await page.reload();
  await page.locator(".pill.is-good").waitFor();
  await page.keyboard.press("x");
  const tones = () => page.evaluate<number>("window.tones");
  await meter.raise(76);
  await expect.poll(tones, A_REPEAT).toBe(2);
  await expect.poll(tones, A_REPEAT).toBe(4);
  await page.keyboard.press("m");
  await page.locator("[data-look-at-all]").waitFor({ state: "detached" });
  const heard = await tones();
  await page.waitForTimeout(LONGER_THAN_A_REPEAT_MS);
  expect(await tones()).toBe(heard);
  await meter.leave();
  await rig.close();
});
