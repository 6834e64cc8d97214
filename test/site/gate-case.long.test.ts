import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, vi } from "vitest";
import { encodeInput } from "../../cli/sim/camera/recording.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { writeIdentity } from "../../gateway/identity/identity-files.ts";
import { startGateway } from "../../gateway/main.ts";
import { browserTest, hasBrowser } from "../fakes/browser-test.ts";
import { serveCamera } from "../fakes/camera-rig.ts";
import { ConsoleRig } from "../fakes/console-rig.ts";
import { videoFacts } from "../fakes/live-page.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { needRigs } from "../fakes/rigs.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";

const SOON = { timeout: 60_000, interval: 200 };
const CLIP = fileURLToPath(new URL("../../models/site-watch/scenes/uncovered-at-night.mp4", import.meta.url));
const SITE = "Gate by night";

let rig: ConsoleRig;
beforeAll(async () => {
  if (hasBrowser) rig = await ConsoleRig.start();
});
afterAll(() => rig?.close());

browserTest(
  "an open bed at the gate is a case whose picture shows and whose clip plays in its page; a round makes another",
  { timeout: 240_000 },
  async (context) => {
    needRigs(context, "ffmpeg");
    const standing = await encodeInput(["-ss", "8", "-t", "4", "-i", CLIP], { codec: "h264", fps: 10 });
    const { url } = await serveCamera(standing);
    const state = temporaryDirectory();
    writeIdentity(state, await rig.identity("site-gate"));
    const text = `
node: site-gate
site: { name: ${SITE}, timeZone: Asia/Shanghai, latitudeDeg: 39.9, longitudeDeg: 116.4 }
bridge: { url: "${rig.bridge.mqttUrl}" }
state: ${JSON.stringify(state)}
cameras: { gate: { url: "${url}", clipBeforeS: 3, clipAfterS: 3 } }
rules: { open-bed: { kind: violation, cameras: [gate], classes: [truck/uncovered], dwellS: 1 } }
`;
    const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
    if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
    const gateway = await startGateway({ config: checked.config, version: "test", log: new QuietLog() });
    onTestFinished(() => gateway.stop());

    const { page, complaints, context: browser } = await rig.person("Zhang Wei", "dispatcher");
    await page.locator(".case-row", { hasText: SITE }).first().click({ timeout: SOON.timeout });
    const picture = page.locator("[data-media=snapshot] img").first();
    await picture.waitFor(SOON);
    await expect
      .poll(() => picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth), SOON)
      .toBeGreaterThan(300);
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
    const round = page.locator("[data-media=round] img");
    await expect
      .poll(() => round.first().evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth), SOON)
      .toBeGreaterThan(300);
    expect(complaints.filter((text) => !/404|Failed to load resource/.test(text))).toEqual([]);
    await browser.close();
  },
);
