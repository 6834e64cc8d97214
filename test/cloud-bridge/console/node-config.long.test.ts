import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, vi } from "vitest";
import { FleetNode } from "../../../cli/sim/fleet/fleet-node.ts";
import { seededRandom } from "../../../cli/sim/seeded-random.ts";
import { twinOf } from "../../../cloud-bridge/fleet/reported-config.ts";
import type { NodeIdentity } from "../../../gateway/identity/identity-files.ts";
import { browserTest, hasBrowser } from "../../fakes/browser-test.ts";
import { ConsoleRig, type Person } from "../../fakes/console-rig.ts";
import { PaperNode } from "../../fakes/paper-node.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

const SOON = { timeout: 90_000, interval: 250 };
/** A node that takes a config back has to be given the time in which it might have come to. */
const VERDICT_MS = 90_000;
const LIMIT = "[data-config-field='rules.night.limitDb']";

let rig: ConsoleRig;
beforeAll(async () => {
  if (hasBrowser) rig = await ConsoleRig.start();
}, 300_000);
afterAll(() => rig?.close());

/** A box whose devices are invented; its twin, its checks and its self-test are a gateway's own. */
async function box(
  id: string,
  failsConfig: boolean,
): Promise<{ readonly identity: NodeIdentity; readonly node: FleetNode }> {
  const identity = await rig.identity(id);
  const own = { number: 1, version: "0.1.0", isFailing: false, failsConfig, everyMs: 60_000, random: seededRandom(1) };
  const node = new FleetNode({ ...own, identity, log: new QuietLog() });
  await node.start();
  onTestFinished(() => node.stop());
  await vi.waitFor(() => expect(node.isPresent).toBe(true), SOON);
  return { identity, node };
}

/** Asks the box, opens the form, writes a limit that is refused at its field, and one that is good; looks at what it changes. */
async function changeLimit({ page }: Person, id: string, refused: string): Promise<void> {
  await page.goto(`${rig.bridge.url}/nodes/${id}`);
  await page.locator("[data-config-ask]").click();
  await vi.waitFor(async () => expect((await twinOf(rig.bridge.store.db, id)).told).toBeDefined(), SOON);
  await page.locator("[data-config-edit]").click();
  const limit = page.locator(LIMIT);
  // Seen, and not merely there.
  expect((await limit.boundingBox())?.width).toBeGreaterThan(120);
  expect(await page.evaluate(`getComputedStyle(document.querySelector("${LIMIT}")).opacity`)).toBe("1");
  await limit.fill("300");
  await limit.press("Tab");
  await page.locator("[data-config-fault='rules.night.limitDb']").getByText(refused).waitFor();
  await limit.fill("74");
  await limit.press("Tab");
  await page.locator("[data-config-fault]").waitFor({ state: "detached" });
  await page.locator("[data-config-save]").click();
  await page.locator("[data-config=draft]").waitFor();
  await page.locator("[data-config-apply]").click();
  const change = page.locator("[data-config-diff] [data-config-change='rules.night.limitDb']");
  await change.waitFor();
  expect(await page.locator("[data-config-diff] [data-config-change]").count()).toBe(1);
  expect(await change.innerText()).toMatch(/71\s+74$/);
  await page.locator("[data-config-hold]").fill("1");
}

browserTest(
  "a value is changed in a form, looked at, sent and in force; and an edit on the box is seen",
  { timeout: 400_000 },
  async () => {
    const { identity, node } = await box("box-1", false);
    const person = await rig.person("Keeper", "operator");
    const { page, complaints } = person;
    page.setDefaultTimeout(60_000);
    await changeLimit(person, "box-1", "300 is out of range");
    // What is not written is shown as it holds, once it is asked for.
    await page.locator("[data-config-more='rules.night']").click();
    const window = page.locator("[data-config-field='rules.night.raiseWindowS']");
    expect(await window.getAttribute("placeholder")).toBe("10 (as shipped)");
    await shot(person, "config-form-en");
    await page.locator("[data-config-send]").click();
    await page.locator("[data-config=in-sync]").waitFor({ timeout: VERDICT_MS });
    const { sha256 = "" } = node.reported ?? {};
    expect(node.reported).toMatchObject({ source: "bridge", lastGood: sha256, isTrial: false });
    await page.locator("[data-config-reported]").getByText(sha256.slice(0, 12)).waitFor();
    // The text is the same document.
    await page.locator("[data-segment=text]").click();
    const text = await page.locator("[data-config-text]").inputValue();
    expect(text).toContain("limitDb: 74");

    await node.stop();
    const edited = "ab".repeat(32);
    const paper = new PaperNode(identity);
    await paper.connect();
    onTestFinished(() => paper.leave());
    const config = { sha256: edited, source: "file", lastGood: edited, isTrial: false } as const;
    const body = { reason: "clean", version: "0.1.0", configSha256: "cd".repeat(32), config, devices: [] } as const;
    await paper.say({ kind: "start", atMs: Date.now(), body: { ...body, devices: [] } });
    await page.locator("[data-config=drift]").waitFor();
    await page.locator("[data-config-reported]").getByText(edited.slice(0, 12)).waitFor();
    await shot(person, "config-drift-en");
    expect(complaints).toEqual([]);
    await person.context.close();
  },
);

browserTest(
  "a box that fails its self-test shows the reason and what it went back to",
  { timeout: 400_000 },
  async () => {
    const { node } = await box("box-2", true);
    const before = node.reported?.sha256 ?? "";
    const person = await rig.person("Wang", "operator", { locale: "zh-CN", colorScheme: "light" });
    const { page, complaints } = person;
    page.setDefaultTimeout(60_000);
    await changeLimit(person, "box-2", "300 超出范围");
    await page.locator("[data-config-part='rules.night']").getByText("高于此值报警").waitFor();
    await page.locator("[data-config-send]").click();
    await page.locator("[data-config=reverted]").waitFor({ timeout: VERDICT_MS });
    await page.locator("[data-config-reason]").getByText("noise-01").waitFor();
    await page.locator("[data-config-reported]").getByText(before.slice(0, 12)).waitFor();
    expect(node.reported).toMatchObject({ sha256: before, isTrial: false });
    await shot(person, "config-reverted-zh");
    expect(complaints).toEqual([]);
    await person.context.close();
  },
);

async function shot({ page }: Person, name: string): Promise<void> {
  const folder = process.env["SHAO_SCREENSHOTS"];
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
