import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { expect, test, vi } from "vitest";
import { DRIVERS } from "../../../drivers/registry.ts";
import { checkGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import { openTlsRelay } from "../../../gateway/vision/capture/tls-relay.ts";
import { serveGstreamer, watchCamera } from "../../fakes/camera-rig.ts";
import { needRigs } from "../../fakes/rigs.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";

const SOON = { timeout: 25_000, interval: 20 };
const USER = "viewer";
process.env["TEST_RTSPS_PASSWORD"] = "for the test";
const account = { user: USER, passwordEnv: "TEST_RTSPS_PASSWORD" };
const MOVING = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=10/1";
const CODED = "x264enc tune=zerolatency key-int-max=10 ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96";

/** A certificate that its camera made for itself. @param name what it says that it is for */
function certificate(name: string) {
  const folder = temporaryDirectory();
  const [key, cert] = [`${folder}/key.pem`, `${folder}/cert.pem`];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const made = spawnSync("openssl", [
    ...[
      "req",
      "-x509",
      ...kind,
      "-subj",
      "/CN=camera",
      "-addext",
      `subjectAltName=${name}`,
      "-keyout",
      key,
      "-out",
      cert,
    ],
  ]);
  expect(made.status).toBe(0);
  const both = `${folder}/both.pem`;
  writeFileSync(both, readFileSync(key, "utf8") + readFileSync(cert, "utf8"));
  return { cert, both, fingerprint: new X509Certificate(readFileSync(cert)).fingerprint256 };
}

test("GStreamer's server behind TLS: a certificate of its own is refused with its fingerprint, and believed once pinned or vouched for", {
  timeout: 60_000,
}, async (context) => {
  needRigs(context, "ffmpeg", "gst-rtsp-server");
  const { cert, both, fingerprint } = certificate("IP:127.0.0.1");
  const { url } = await serveGstreamer(`${MOVING} ! ${CODED}`, USER, "for the test", both);
  expect(url).toMatch(/^rtsps:/);
  const refused = watchCamera({ id: "unknown", url, account });
  const pinned = watchCamera({ id: "pinned", url, account, tls: { fingerprint: fingerprint.toLowerCase() } });
  const vouched = watchCamera({ id: "vouched", url, account, tls: { caFile: cert } });
  const exchanged = watchCamera({
    id: "exchanged",
    url,
    account,
    tls: { fingerprint: fingerprint.replace(/^../, "00") },
  });
  for (const { camera } of [pinned, vouched]) {
    await vi.waitFor(() => expect(camera.ring.sizeBytes).toBeGreaterThan(0), SOON);
    expect(camera.header).toMatchObject({ codec: "h264", widthPx: 320 });
  }
  await vi.waitFor(() => expect(refused.said.at(-1)?.code).toBe("CAMERA_CERTIFICATE"), SOON);
  expect(refused.said.at(-1)?.hint).toContain(`tls: { fingerprint: "${fingerprint}" }`);
  await vi.waitFor(() => expect(exchanged.said.at(-1)?.message).toContain("another certificate"), SOON);
  expect([refused.camera.facts.captures, exchanged.camera.facts.captures]).toEqual([0, 0]);
});

test("an authority vouches for a name: a certificate for another one is refused", async (context) => {
  needRigs(context, "gst-rtsp-server");
  const { cert, both, fingerprint } = certificate("DNS:another-camera");
  const { url } = await serveGstreamer(`${MOVING} ! ${CODED}`, USER, "for the test", both);
  await expect(openTlsRelay(url, { caFile: cert })).rejects.toMatchObject({ code: "CAMERA_CERTIFICATE" });
  await expect(openTlsRelay(url, { caFile: `${cert}.missing` })).rejects.toMatchObject({ code: "CAMERA_CERTIFICATE" });
  await expect(openTlsRelay("rtsps://127.0.0.1:9/")).rejects.toMatchObject({ code: "CAMERA_UNREACHABLE" });
  // The one that comes first gets it; whoever comes later finds nobody.
  const relay = await openTlsRelay(url, { fingerprint });
  const port = Number(new URL(relay.url).port);
  const first = connect(port, "127.0.0.1");
  await new Promise((resolve) => first.once("connect", resolve));
  first.write(`OPTIONS ${relay.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n`);
  const [answer] = await new Promise<Buffer[]>((resolve) => first.once("data", (chunk) => resolve([chunk])));
  expect(String(answer)).toMatch(/^RTSP\/1\.0 /);
  const later = await new Promise<string>((resolve) => {
    connect(port, "127.0.0.1")
      .once("connect", () => resolve("connected"))
      .once("error", () => resolve("refused"));
  });
  expect(later).toBe("refused");
  relay.close();
  await new Promise((resolve) => first.once("close", resolve));
});

test("a certificate is set up only where there is one", async () => {
  const config = (camera: string) =>
    checkGatewayConfig(
      Buffer.from(`
node: site-gate
site: { name: Gate, timeZone: Asia/Shanghai }
bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }
state: ${JSON.stringify(temporaryDirectory())}
cameras: { gate: { ${camera} } }
`),
      DRIVERS,
    );
  const fingerprint = "ab".repeat(32);
  const good = await config(`url: "rtsps://127.0.0.1/x", tls: { fingerprint: "${fingerprint}" }`);
  expect(good.ok && good.config.cameras[0]?.tls).toEqual({ fingerprint });
  for (const camera of [
    `url: "rtsp://127.0.0.1/x", tls: { caFile: a.pem }`,
    `url: "rtsps://127.0.0.1/x", tls: { fingerprint: abc }`,
  ])
    expect((await config(camera)).ok).toBe(false);
});
