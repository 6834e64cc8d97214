import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, vi } from "vitest";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { writeIdentity } from "../../gateway/identity/identity-files.ts";
import { startGateway } from "../../gateway/main.ts";
import { browserTest, hasBrowser } from "../fakes/browser-test.ts";
import { serveGstreamer } from "../fakes/camera-rig.ts";
import { CHROMIUM, ConsoleRig, FLAGS } from "../fakes/console-rig.ts";
import { videoFacts } from "../fakes/live-page.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { needRigs, scratchFolder } from "../fakes/rigs.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";

const START = '[data-still="live-cloud/gate"] [data-live-start]';
const SOON = { timeout: 40_000, interval: 200 };
const PASSWORD = "a camera's password";
/** Where somebody looks at them: SHAO_SHOTS=/some/folder. */
const SHOTS = process.env["SHAO_SHOTS"];

let rig: ConsoleRig;
let browser: Browser;
const folder = scratchFolder();
const clip = join(folder.path, "clip.mp4");
const hevc = join(folder.path, "hevc.mp4");
const H265 = `filesrc location=${hevc} ! qtdemux ! h265parse config-interval=-1 ! rtph265pay name=pay0 pt=96`;
const H264 = `filesrc location=${clip} ! qtdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96`;
beforeAll(async () => {
  if (!hasBrowser) return;
  // A whole picture a second, as docs/cameras.md asks of a camera.
  const clipOf = (path: string, ...codec: readonly string[]): void => {
    const pictures = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=10:duration=10", "-pix_fmt", "yuv420p"];
    const coding = [...codec, "-preset", "ultrafast", "-b:v", "300k", "-g", "10", "-bf", "0"];
    spawnSync("ffmpeg", ["-v", "error", ...pictures, ...coding, `${path}.once.mp4`]);
    spawnSync("ffmpeg", ["-v", "error", "-stream_loop", "30", "-i", `${path}.once.mp4`, "-c", "copy", path]);
  };
  clipOf(clip, "-c:v", "libx264");
  clipOf(hevc, "-c:v", "libx265", "-x265-params", "log-level=none");
  rig = await ConsoleRig.start();
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});
afterAll(async () => {
  await browser?.close();
  await rig?.close();
  folder.remove();
});

/** A gateway with one camera of GStreamer's, enrolled at the rig's bridge. */
async function gateway(node: string, launch: string) {
  const { url } = await serveGstreamer(launch, "viewer", PASSWORD);
  process.env["TEST_LIVE_PASSWORD"] = PASSWORD;
  const state = temporaryDirectory();
  writeIdentity(state, await rig.identity(node));
  const text = `
node: ${node}
bridge: { url: "${rig.bridge.mqttUrl}" }
state: ${JSON.stringify(state)}
page: { host: 127.0.0.1, port: 0 }
health: { host: 127.0.0.1, port: 0 }
cameras:
  gate: { url: "${url}", user: viewer, passwordEnv: TEST_LIVE_PASSWORD }
`;
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const told: string[] = [];
  const running = await startGateway({
    config: checked.config,
    version: "test",
    log: new QuietLog(),
    tell: (said) => void told.push(said),
  });
  onTestFinished(() => running.stop());
  const sentBytes = async (to: string): Promise<number> => {
    const metrics = await (await fetch(`http://127.0.0.1:${running.localPort}/metrics`)).text();
    return Number(new RegExp(`live_video_bytes_total\\{to="${to}"\\} (\\d+)`).exec(metrics)?.[1]);
  };
  return { running, sentBytes, pin: /PIN (\d{4} \d{4})/.exec(told.join(""))?.[1] ?? "" };
}

async function localPage(port: number | undefined, pin: string) {
  const page = await browser.newPage({ viewport: { width: 800, height: 1400 }, locale: "en-GB" });
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.locator("#pin").fill(pin);
  await page.locator("button.main").click();
  return { page, complaints };
}

async function moves(page: Page): Promise<void> {
  const first = await vi.waitFor(async () => {
    const facts = await videoFacts(page);
    expect(facts?.widthPx).toBe(640);
    return facts;
  }, SOON);
  await vi.waitFor(async () => expect((await videoFacts(page))?.atS).toBeGreaterThan((first?.atS ?? 0) + 3), SOON);
}

const shot = async (page: Page, name: string): Promise<unknown> =>
  SHOTS === undefined ? undefined : page.screenshot({ path: `${SHOTS}/${name}.png` });

const codingChildren = (codec = "mpeg1video"): readonly string[] =>
  spawnSync("ps", ["-o", "args=", "--ppid", String(process.pid)], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => line.includes(codec));

browserTest(
  "the page of a box shows a still with its age, and on click the video of a real RTSP server moving",
  {
    timeout: 180_000,
  },
  async (context) => {
    needRigs(context, "gst-rtsp-server", "ffmpeg");
    const { running, sentBytes, pin } = await gateway("live-page", H264);
    const { page, complaints } = await localPage(running.pagePort, pin);
    const camera = page.locator("[data-camera=gate]");
    await camera.locator("img").waitFor({ timeout: SOON.timeout });
    await camera.getByText(/\d s old/).waitFor({ timeout: SOON.timeout });
    await shot(page, "page-still");
    await page.locator("[data-live=gate]").click();
    await moves(page);
    await camera.getByText(/live, \d+\.\d s behind · \d/).waitFor();
    await shot(page, "page-live");
    await page.locator("[data-live=gate]").click();
    await camera.getByText(/\d s old/).waitFor();
    const sent = await sentBytes("page");
    expect(sent).toBeGreaterThan(50_000);
    await page.waitForTimeout(1500);
    expect(await sentBytes("page")).toBe(sent);
    expect([complaints, codingChildren()]).toEqual([[], []]);
  },
);

browserTest(
  "what browsers do not play is shown on the page of the box as MPEG-1, and coded only while somebody looks",
  {
    timeout: 180_000,
  },
  async (context) => {
    needRigs(context, "gst-rtsp-server", "ffmpeg");
    const { running, pin } = await gateway("live-hevc", H265);
    const { page, complaints } = await localPage(running.pagePort, pin);
    const camera = page.locator("[data-camera=gate]");
    await camera.locator("img").waitFor({ timeout: SOON.timeout });
    await page.locator("[data-live=gate]").click();
    const canvas = camera.locator("canvas");
    await canvas.waitFor({ timeout: SOON.timeout });
    const first = await canvas.screenshot();
    await vi.waitFor(async () => expect((await canvas.screenshot()).equals(first)).toBe(false), SOON);
    expect(codingChildren()).toHaveLength(1);
    await shot(page, "page-mpeg1");
    await page.locator("[data-live=gate]").click();
    await vi.waitFor(() => expect(codingChildren()).toEqual([]), SOON);
    expect(complaints).toEqual([]);
  },
);

browserTest(
  "from the cloud the video moves on the rounds, node and case pages, by one lease that ends with the last",
  {
    timeout: 240_000,
  },
  async (context) => {
    needRigs(context, "gst-rtsp-server", "ffmpeg");
    const { running, sentBytes, pin } = await gateway("live-cloud", H264);
    const metric = async (name: string): Promise<number> => {
      const text = await (await desk.context.request.get(`${rig.bridge.url}/metrics`)).text();
      return Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
    };
    const desk = await rig.person("Zhang Wei", "dispatcher");
    const other = await rig.person("Li Na", "viewer", { locale: "zh-CN" });
    for (const { page } of [desk, other]) {
      await page.goto(`${rig.bridge.url}/rounds`);
      await page.locator('[data-still="live-cloud/gate"] img').waitFor({ timeout: SOON.timeout });
    }
    await shot(desk.page, "rounds-still");
    for (const { page } of [desk, other]) await page.locator(START).click();
    await Promise.all([moves(desk.page), moves(other.page)]);
    expect([await metric("shao_bridge_live_streams"), await metric("shao_bridge_live_viewers")]).toEqual([1, 2]);
    await desk.page
      .locator(".live-words")
      .getByText(/live, [\d.]+ s behind · \d/)
      .waitFor();
    await shot(desk.page, "rounds-live");
    await shot(other.page, "rounds-live-zh");
    await other.page.locator("[data-live-stop]").click();
    await vi.waitFor(async () => expect(await metric("shao_bridge_live_viewers")).toBe(1), SOON);

    await desk.page.goto(`${rig.bridge.url}/nodes/live-cloud`);
    await desk.page.locator(START).click({ timeout: SOON.timeout });
    await moves(desk.page);
    await shot(desk.page, "node-live");

    const box = await localPage(running.pagePort, pin);
    await box.page.locator("#test-alarm").click();
    await desk.page.goto(`${rig.bridge.url}/desk`);
    await desk.page.locator(".case-row").first().click({ timeout: SOON.timeout });
    await desk.page.locator("[data-cameras-turn]").click({ timeout: SOON.timeout });
    await desk.page.locator(START).click({ timeout: SOON.timeout });
    await moves(desk.page);
    await shot(desk.page, "case-live");

    await desk.page.locator("[data-live-stop]").click();
    await vi.waitFor(async () => expect(await metric("shao_bridge_live_streams")).toBe(0), SOON);
    expect(await metric("shao_bridge_live_bytes_in_total")).toBeGreaterThan(50_000);
    // The node has heard of it long before its lease would end.
    const sent = await vi.waitFor(async () => {
      const before = await sentBytes("bridge");
      await desk.page.waitForTimeout(2500);
      expect(await sentBytes("bridge")).toBe(before);
      return before;
    }, SOON);
    expect(sent).toBeGreaterThan(50_000);
    expect([...desk.complaints, ...other.complaints]).toEqual([]);
    await desk.context.close();
    await other.context.close();
  },
);

browserTest(
  "from the cloud a camera with H.265 moves too, as H.264 that its node makes only while somebody looks",
  {
    timeout: 180_000,
  },
  async (context) => {
    needRigs(context, "gst-rtsp-server", "ffmpeg");
    const { sentBytes } = await gateway("live-cloud-hevc", H265);
    const desk = await rig.person("Wang Fang", "dispatcher");
    await desk.page.goto(`${rig.bridge.url}/rounds`);
    await desk.page.locator('[data-still="live-cloud-hevc/gate"] img').waitFor({ timeout: SOON.timeout });
    expect(codingChildren("libx264")).toEqual([]);
    await desk.page.locator('[data-still="live-cloud-hevc/gate"] [data-live-start]').click();
    await moves(desk.page);
    expect(codingChildren("libx264")).toHaveLength(1);
    await shot(desk.page, "rounds-live-hevc");
    await desk.page.locator("[data-live-stop]").click();
    await vi.waitFor(() => expect(codingChildren("libx264")).toEqual([]), SOON);
    expect(await sentBytes("bridge")).toBeGreaterThan(50_000);
    expect(desk.complaints).toEqual([]);
    await desk.context.close();
  },
);
