import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, vi } from "vitest";
import { encodeInput } from "../../cli/sim/camera/recording.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { writeIdentity } from "../../gateway/identity/identity-files.ts";
import { startGateway } from "../../gateway/main.ts";
import { browserTest, hasBrowser } from "../fakes/browser-test.ts";
import { movingPictures, serveCamera } from "../fakes/camera-rig.ts";
import { ConsoleRig } from "../fakes/console-rig.ts";
import { videoFacts } from "../fakes/live-page.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { registerMeter } from "../fakes/register-meter.ts";
import { needRigs } from "../fakes/rigs.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";

const SOON = { timeout: 60_000, interval: 200 };
const CLIP = fileURLToPath(new URL("../../models/site-watch/scenes/uncovered-at-night.mp4", import.meta.url));
const SITE = "Gate by night";
const YARD = "Yard with a breaker";

let rig: ConsoleRig;
beforeAll(async () => {
  if (hasBrowser) rig = await ConsoleRig.start();
});
afterAll(() => rig?.close());

/** A gateway that is enrolled at the rig's bridge. */
async function gateway(node: string, site: string, rest: string): Promise<void> {
  const state = temporaryDirectory();
  writeIdentity(state, await rig.identity(node));
  const text = `
node: ${node}
site: { name: ${site}, timeZone: Asia/Shanghai, latitudeDeg: 39.9, longitudeDeg: 116.4 }
bridge: { url: "${rig.bridge.mqttUrl}" }
state: ${JSON.stringify(state)}
${rest}`;
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const running = await startGateway({ config: checked.config, version: "test", log: new QuietLog() });
  onTestFinished(() => running.stop());
}

/** The first picture of that kind is there, and not merely its frame. */
async function shows(page: Page, media: string): Promise<void> {
  const picture = page.locator(`[data-media=${media}] img`).first();
  await picture.waitFor(SOON);
  await expect
    .poll(() => picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth), SOON)
    .toBeGreaterThan(300);
}

browserTest(
  "an open bed at the gate is a case whose picture shows and whose clip plays in its page; a round makes another",
  { timeout: 240_000 },
  async (context) => {
    needRigs(context, "ffmpeg");
    const standing = await encodeInput(["-ss", "8", "-t", "4", "-i", CLIP], { codec: "h264", fps: 10 });
    const { url } = await serveCamera(standing);
    await gateway(
      "site-gate",
      SITE,
      `cameras: { gate: { url: "${url}", clipBeforeS: 3, clipAfterS: 3 } }
rules: { open-bed: { kind: violation, cameras: [gate], classes: [truck/uncovered], dwellS: 1 } }
`,
    );
    const { page, complaints, context: browser } = await rig.person("Zhang Wei", "dispatcher");
    await page.locator(".case-row", { hasText: SITE }).first().click({ timeout: SOON.timeout });
    await shows(page, "snapshot");
    await page.locator("[data-media=clip] video").first().waitFor(SOON);
    await page.locator("[data-judged-by]", { hasText: "Apache-2.0" }).first().waitFor();
    await page.evaluate("void document.querySelector('[data-media=clip] video').play()");
    await vi.waitFor(async () => expect((await videoFacts(page))?.atS).toBeGreaterThan(1.5), SOON);
    expect((await videoFacts(page))?.widthPx).toBeGreaterThan(300);

    await page.goto(`${rig.bridge.url}/rounds`);
    await page.getByRole("button", { name: "Make a case" }).click({ timeout: SOON.timeout });
    await page.locator("dialog input").fill("Mud on the road");
    await page.locator("dialog button[type=submit]").click();
    await page.waitForURL(/\/desk\/.+/);
    await page.getByText("Mud on the road").first().waitFor();
    // The node was asked for the picture, and it came into custody.
    await shows(page, "round");
    expect(complaints.filter((text) => !/404|Failed to load resource/.test(text))).toEqual([]);
    await browser.close();
  },
);

browserTest(
  "a noise case shows the picture and the clip of the camera beside its meter",
  { timeout: 240_000 },
  async (context) => {
    needRigs(context, "ffmpeg");
    const { url } = await serveCamera(await movingPictures({ codec: "h264", fps: 10 }));
    const port = await registerMeter(() => 825);
    await gateway(
      "site-yard",
      YARD,
      `buses: { rs485: { tcp: "127.0.0.1:${port}", framing: tcp } }
devices: { noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b } }
cameras: { yard: { url: "${url}", clipBeforeS: 3, clipAfterS: 3, noiseFrom: [noise-01] } }
rules: { loud: { kind: trigger, device: noise-01, byDay: true, raiseWindowS: 10, raiseMinValidS: 8 } }
`,
    );
    const { page, complaints } = await rig.person("Li Na", "dispatcher");
    await page.locator(".case-row", { hasText: YARD }).first().click({ timeout: SOON.timeout });
    await shows(page, "snapshot");
    await page.locator("[data-media=clip] video").first().waitFor(SOON);
    await page.evaluate("void document.querySelector('[data-media=clip] video').play()");
    await vi.waitFor(async () => expect((await videoFacts(page))?.atS).toBeGreaterThan(1.5), SOON);
    expect(complaints.filter((text) => !/404|Failed to load resource/.test(text))).toEqual([]);
  },
);
