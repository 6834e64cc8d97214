import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { expect, onTestFinished, test, vi } from "vitest";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { startGateway } from "../../gateway/main.ts";
import { serveGstreamer } from "../fakes/camera-rig.ts";
import { CHROMIUM, FLAGS } from "../fakes/console-rig.ts";
import { videoFacts } from "../fakes/live-page.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { needRigs } from "../fakes/rigs.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";

const SOON = { timeout: 30_000, interval: 100 };
const PASSWORD = "a camera's password";
const MOVING =
  "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=25/1 ! timeoverlay ! " +
  "x264enc tune=zerolatency speed-preset=ultrafast bitrate=600 key-int-max=25 ! rtph264pay name=pay0 pt=96 config-interval=-1";
/** Where somebody looks at them: SHAO_SHOTS=/some/folder. */
const SHOTS = process.env["SHAO_SHOTS"];

test("the page of a box shows a still with its age, and on click the video of a real RTSP server moving", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "gst-rtsp-server", "ffmpeg");
  if (!existsSync(CHROMIUM)) return context.skip(`${CHROMIUM} is missing: scripts/setup --test`);
  const { url } = await serveGstreamer(MOVING, "viewer", PASSWORD);
  process.env["TEST_LIVE_PASSWORD"] = PASSWORD;
  const text = `
node: site-live
bridge: { url: "mqtt://127.0.0.1:1", insecureLoopback: true }
state: ${JSON.stringify(temporaryDirectory())}
page: { host: 127.0.0.1, port: 0 }
cameras:
  gate: { url: "${url}", user: viewer, passwordEnv: TEST_LIVE_PASSWORD }
`;
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const told: string[] = [];
  const gateway = await startGateway({
    config: checked.config,
    version: "test",
    log: new QuietLog(),
    tell: (said) => void told.push(said),
  });
  onTestFinished(() => gateway.stop());
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 800, height: 1400 }, locale: "en-GB" });
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${gateway.pagePort}/`);
  await page.locator("#pin").fill(/PIN (\d{4} \d{4})/.exec(told.join(""))?.[1] ?? "");
  await page.locator("button.main").click();
  await page.locator("[data-camera=gate] img").waitFor({ timeout: SOON.timeout });
  await page
    .locator("[data-camera=gate]")
    .getByText(/\d s old/)
    .waitFor({ timeout: SOON.timeout });
  if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/page-still.png` });

  await page.locator("[data-live=gate]").click();
  const first = await vi.waitFor(async () => {
    const facts = await videoFacts(page);
    expect(facts?.widthPx).toBe(640);
    return facts;
  }, SOON);
  await vi.waitFor(async () => expect((await videoFacts(page))?.atS).toBeGreaterThan((first?.atS ?? 0) + 3), SOON);
  await page
    .locator("[data-camera=gate]")
    .getByText(/live, \d+\.\d s behind · \d/)
    .waitFor();
  if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/page-live.png` });

  await page.locator("[data-live=gate]").click();
  await page
    .locator("[data-camera=gate]")
    .getByText(/\d s old/)
    .waitFor();
  expect(complaints).toEqual([]);
});
