import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openAuthority } from "../../cloud-bridge/fleet/authority.ts";
import { offerToken } from "../../cloud-bridge/fleet/enrolment.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { enroll } from "../../gateway/identity/enroll.ts";
import { writeIdentity } from "../../gateway/identity/identity-files.ts";
import { startGateway } from "../../gateway/main.ts";
import { decodeLivePart, LIVE_HEAD_BYTES } from "../../protocol/live-video.ts";
import { movingPictures, serveCamera } from "../fakes/camera-rig.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { needRigs } from "../fakes/rigs.ts";
import { bridgeConfigFor, signInBy, startTestBridge } from "../fakes/running-bridge.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";

const SOON = { timeout: 30_000, interval: 50 };

test("a camera's video goes from its node over TLS to who is signed in at the bridge, until the last has gone", async (context) => {
  needRigs(context, "ffmpeg");
  const config = bridgeConfigFor();
  const bridge = await startTestBridge(config);
  onTestFinished(() => bridge.close());
  const { fingerprint } = openAuthority(config.state);
  const offer = { node: "live-1", createdBy: "test", fingerprint, nowMs: Date.now() };
  const { token } = await offerToken(bridge.store.db, offer);
  const state = join(temporaryDirectory(), "node");
  writeIdentity(state, await enroll(bridge.url, token));
  const { url } = await serveCamera(await movingPictures({ codec: "h264", fps: 10 }));
  const text = `
node: live-1
bridge: { url: "${bridge.mqttUrl}" }
state: ${JSON.stringify(state)}
health: { host: 127.0.0.1, port: 0 }
cameras: { gate: { url: "${url}" } }
`;
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const gateway = await startGateway({ config: checked.config, version: "t", log: new QuietLog() });
  onTestFinished(() => gateway.stop());
  const sentBytes = async (): Promise<number> => {
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.localPort}/metrics`)).text();
    return Number(/live_video_bytes_total\{to="bridge"\} (\d+)/.exec(metrics)?.[1]);
  };

  const admin = await signInBy(bridge, bridge.adminLink ?? "");
  await vi.waitFor(async () => {
    const { json } = await admin.ask("/api/v1/cameras");
    expect(json).toMatchObject({ cameras: [{ node: "live-1", camera: "gate", isNodeOnline: true, state: "online" }] });
  }, SOON);
  const headers = { origin: admin.origin, "sec-fetch-site": "same-origin", cookie: admin.cookie ?? "" };
  const path = new URL("/api/v1/nodes/live-1/cameras/gate/live", bridge.url);
  const call = request(path, { method: "POST", ca: bridge.caPem, headers });
  call.on("error", () => {});
  call.end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  let bytes = Buffer.alloc(0);
  response.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  response.on("error", () => {});
  const seen = () => {
    const messages: string[] = [];
    for (let at = 0; at + LIVE_HEAD_BYTES <= bytes.length; ) {
      const end = at + LIVE_HEAD_BYTES + bytes.readUInt32BE(at + 24);
      const part = end <= bytes.length ? decodeLivePart(bytes.subarray(at, end)) : undefined;
      if (part === undefined) break;
      messages.push(`${part.kind} ${part.isKey}`);
      at = end;
    }
    return messages;
  };
  await vi.waitFor(() => expect(seen().filter((kind) => kind.startsWith("fragment")).length).toBeGreaterThan(3), SOON);
  expect(seen().slice(0, 2)).toEqual(["header true", "fragment true"]);
  expect(await sentBytes()).toBeGreaterThan(2000);
  call.destroy();
  // It hears of it long before its lease would end.
  await vi.waitFor(async () => {
    const before = await sentBytes();
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(await sentBytes()).toBe(before);
  }, SOON);
});
