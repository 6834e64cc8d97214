import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { WantedVideo } from "../../../gateway/contracts/live-line.ts";
import type { LiveView } from "../../../gateway/contracts/live-view.ts";
import { LiveSocket } from "../../../gateway/local/page/live-socket.ts";
import type { Camera, MediaListener } from "../../../gateway/vision/capture/camera.ts";
import type { MediaHeader } from "../../../gateway/vision/capture/media-header.ts";
import type { LiveCameras } from "../../../gateway/vision/live/live-cameras.ts";
import { VideoUplink } from "../../../gateway/vision/live/video-uplink.ts";
import { decodeLivePart, LiveAssembler, type LiveMessage } from "../../../protocol/live-video.ts";
import { movingPictures, serveCamera, watchCamera } from "../../fakes/camera-rig.ts";
import { startPagedGateway } from "../../fakes/paged-gateway.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { needRigs } from "../../fakes/rigs.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";
import { codingChildren, liveOf } from "./live-rig.ts";

const SOON = { timeout: 60_000, interval: 20 };
const SPS = Uint8Array.of(0x67, 0x64, 0x00, 0x28);

/** A camera as far as those who look know one, with the pictures in the test's hand. */
class PaperCamera {
  readonly settings = { id: "gate" };
  readonly state = "live";
  readonly listeners = new Set<MediaListener>();
  header = { codec: "h264", parameterSet: SPS, hasSound: false, bytes: new Uint8Array(100) } as MediaHeader;

  onMedia(listener: MediaListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  show(isKey: boolean, sizeBytes = 1000): void {
    const times = { fromMs: 0, toMs: 500, pictures: 12, changesFormat: false };
    for (const listener of this.listeners) listener({ bytes: new Uint8Array(sizeBytes), isKey, ...times }, this.header);
  }

  view(): LiveCameras {
    const cameras = [this as unknown as Camera];
    return liveOf(cameras);
  }
}

/** A page's server with live video alone. `inside`: whoever shows the cookie `in`. */
async function pageOf(view: LiveView) {
  const server = createServer();
  let isOpen = true;
  const sockets = new LiveSocket(server, {
    live: () => view,
    isInside: ({ headers }) => isOpen && headers.cookie === "in",
    isOwnPage: ({ headers: { origin, host } }) => origin === undefined || origin === `http://${host}`,
    log: new QuietLog(),
  });
  const raw = new Set<Socket>();
  server.on("connection", (socket) => raw.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    sockets.close();
    server.close();
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/api/cameras/gate/live`;
  const lock = () => {
    isOpen = false;
  };
  return { sockets, url, raw, lock };
}

function viewerOf(url: string, headers: Record<string, string> = { cookie: "in" }) {
  const socket = new WebSocket(url, { headers });
  onTestFinished(() => socket.terminate());
  const heard: LiveMessage[] = [];
  const assembler = new LiveAssembler();
  socket.on("message", (data: Buffer) => {
    const part = decodeLivePart(data);
    const message = part && assembler.push(part);
    if (message !== undefined) heard.push(message);
  });
  const refused = new Promise<number>((resolve) => {
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
  });
  socket.on("error", () => {});
  return { socket, heard, refused, opened: new Promise((resolve) => socket.once("open", resolve)) };
}

test("live video is for who has entered the PIN, from the box's own page, and of cameras that there are", async () => {
  const camera = new PaperCamera();
  const { url, sockets, lock } = await pageOf(camera.view());
  expect(await viewerOf(url, {}).refused).toBe(401);
  expect(await viewerOf(url, { cookie: "in", origin: "http://elsewhere.example" }).refused).toBe(403);
  expect(await viewerOf(url.replace("gate", "yard")).refused).toBe(404);
  expect([sockets.viewers, camera.listeners.size]).toEqual([0, 0]);
  const inside = viewerOf(url);
  await inside.opened;
  await vi.waitFor(() => expect(inside.heard[0]?.kind).toBe("header"), SOON);
  expect(Buffer.from(inside.heard[0]?.body ?? []).toString("latin1")).toContain("avc1.640028");
  // Whoever leaves the page in another tab sees no more in this one.
  lock();
  await once(inside.socket, "close");
  await vi.waitFor(() => expect([sockets.viewers, camera.listeners.size]).toEqual([0, 0]), SOON);
});

test("however many look, the camera is listened to once, and no more when the last has gone", async () => {
  const camera = new PaperCamera();
  const view = camera.view();
  const { url } = await pageOf(view);
  const viewers = [viewerOf(url), viewerOf(url), viewerOf(url)];
  await Promise.all(viewers.map(({ opened }) => opened));
  await vi.waitFor(() => expect(view.viewers("gate")).toBe(3), SOON);
  expect(camera.listeners.size).toBe(1);
  camera.show(false);
  camera.show(true);
  camera.show(false);
  for (const { heard } of viewers) {
    await vi.waitFor(
      () =>
        expect(heard.map(({ kind, isKey }) => `${kind} ${isKey}`)).toEqual([
          "header true",
          "fragment true",
          "fragment false",
        ]),
      SOON,
    );
  }
  expect(view.bytes.page).toBeGreaterThan(6000);
  for (const { socket } of viewers) socket.close();
  await vi.waitFor(() => expect(camera.listeners.size).toBe(0), SOON);
});

test("a viewer that takes nothing costs a bounded memory, and others see on", async () => {
  const camera = new PaperCamera();
  const view = camera.view();
  const { url, raw } = await pageOf(view);
  const slow = viewerOf(url);
  await slow.opened;
  const [server] = raw;
  slow.socket.pause();
  const quick = viewerOf(url);
  await quick.opened;
  await vi.waitFor(() => expect(view.viewers("gate")).toBe(2), SOON);
  let mostWaiting = 0;
  for (let n = 0; n < 200; n += 1) {
    camera.show(n % 4 === 0, 256 * 1024);
    mostWaiting = Math.max(mostWaiting, server?.writableLength ?? 0);
    await new Promise(setImmediate);
  }
  await vi.waitFor(
    () => expect(quick.heard.filter(({ kind }) => kind === "fragment").length).toBeGreaterThan(20),
    SOON,
  );
  expect(mostWaiting).toBeLessThan(1.5 * 1024 * 1024);
  slow.socket.resume();
  await vi.waitFor(() => expect(server?.writableLength).toBe(0), SOON);
  camera.show(false, 20);
  camera.show(true, 10);
  await vi.waitFor(() => expect(slow.heard.at(-1)?.body.length).toBe(10), SOON);
  // Of what it missed nothing came later, nor what cannot be shown without it.
  const [before, last] = slow.heard.slice(-2);
  expect(before?.seq).toBeLessThan((last?.seq ?? 0) - 100);
});

test("a camera of another codec says so, and there is none where the camera is away", async () => {
  const camera = new PaperCamera();
  camera.header = { ...camera.header, codec: "h265" };
  const heard: LiveMessage[] = [];
  camera.view().watch("gate", (message) => heard.push(message));
  camera.show(true);
  expect(heard.map(({ kind, body }) => [kind, Buffer.from(body).toString()])).toEqual([
    ["none", '{"code":"LIVE_CODEC"}'],
  ]);
  const away: LiveMessage[] = [];
  const off = Object.assign(new PaperCamera(), { state: "back-off" });
  const view = off.view();
  view.watch("gate", (message) => away.push(message));
  off.show(true);
  expect(away.map(({ kind }) => kind)).toEqual(["none", "header", "fragment"]);
  expect(view.watch("yard", () => {})).toBeUndefined();
});

test("to the bridge goes what the line has room for: a thin one carries whole pictures, and nothing waits without end", () => {
  const camera = new PaperCamera();
  const view = camera.view();
  let roomBytes = 600;
  let wanted: WantedVideo | undefined = { camera: "gate", asks: 1 };
  const sent: Uint8Array[] = [];
  const line = {
    roomBytes: () => roomBytes,
    send: (_stream: string, bytes: Uint8Array) => {
      sent.push(bytes);
      return true;
    },
  };
  const uplink = new VideoUplink({ view, line, wanted: () => wanted });
  onTestFinished(() => uplink.stop());
  const messages = () => {
    const assembler = new LiveAssembler();
    return sent.flatMap((bytes) => {
      const part = decodeLivePart(bytes);
      return part === undefined ? [] : (assembler.push(part) ?? []);
    });
  };
  uplink.tick();
  camera.show(true);
  camera.show(false);
  expect(sent.every(({ length }) => length <= 600)).toBe(true);
  expect(messages().map(({ kind }) => kind)).toEqual(["header", "fragment", "fragment"]);
  // The line is full: two wait, the rest up to the next whole picture after them is dropped.
  roomBytes = 0;
  for (let n = 0; n < 50; n += 1) camera.show(n % 10 === 0);
  roomBytes = 600;
  camera.show(false);
  camera.show(true);
  expect(messages().map(({ isKey }) => isKey)).toEqual([true, true, false, true, false, true]);
  expect(view.bytes.bridge).toBe(sent.reduce((sum, { length }) => sum + length, 0));
  // Somebody else asks, or the same who left a moment ago: how it begins is said again, once, and nothing else changes.
  const before = messages().length;
  wanted = { camera: "gate", asks: 2 };
  uplink.tick();
  uplink.tick();
  camera.show(false);
  expect(
    messages()
      .slice(before)
      .map(({ kind }) => kind),
  ).toEqual(["header", "fragment"]);
  expect(messages()[before]).toEqual(messages()[0]);
  wanted = undefined;
  uplink.tick();
  expect(camera.listeners.size).toBe(0);
});

test("MPEG-1 for other browsers comes from the one capture by one process, and is gone with the last viewer", async (context) => {
  needRigs(context, "ffmpeg");
  const { server, url } = await serveCamera(await movingPictures({ codec: "h264", fps: 10 }));
  const { camera } = watchCamera({ url });
  const view = liveOf([camera]);
  const heard: Uint8Array[] = [];
  const leave = view.watchMpeg1("gate", (bytes) => heard.push(bytes));
  const leaveToo = view.watchMpeg1("gate", () => {});
  await vi.waitFor(() => expect(Buffer.concat(heard).length).toBeGreaterThan(50_000), SOON);
  const bytes = Buffer.concat(heard);
  // MPEG-TS packets, and in them a sequence header of MPEG-1 video.
  for (let at = 0; at + 188 <= bytes.length; at += 188) expect(bytes[at]).toBe(0x47);
  expect(bytes.includes(Buffer.from([0x00, 0x00, 0x01, 0xb3]))).toBe(true);
  expect([server.connections, view.viewers("gate")]).toEqual([1, 2]);
  expect(codingChildren("mpeg1video")).toHaveLength(1);
  leave?.();
  expect(codingChildren("mpeg1video")).toHaveLength(1);
  leaveToo?.();
  await vi.waitFor(() => expect(codingChildren("mpeg1video")).toEqual([]), SOON);
  expect(view.viewers("gate")).toBe(0);
});

test("a whole gateway gives its still and its video to who has the PIN, and to nobody who has left", async (context) => {
  needRigs(context, "ffmpeg");
  const { url } = await serveCamera(await movingPictures({ codec: "h264", fps: 10 }));
  const text = `
node: live-1
bridge: { url: "mqtt://127.0.0.1:1", insecureLoopback: true }
state: ${JSON.stringify(temporaryDirectory())}
page: { host: 127.0.0.1, port: 0 }
cameras: { gate: { url: "${url}" } }
`;
  const { port, told } = await startPagedGateway(text);
  const base = `http://127.0.0.1:${port}`;
  const json = { "content-type": "application/json" };
  const body = JSON.stringify({ pin: /PIN (\d{4} \d{4})/.exec(told.join(""))?.[1] });
  const entered = await fetch(`${base}/api/session`, { method: "POST", headers: json, body });
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  expect((await fetch(`${base}/api/cameras/gate/still`)).status).toBe(401);
  const still = await vi.waitFor(async () => {
    const answer = await fetch(`${base}/api/cameras/gate/still`, { headers: { cookie } });
    expect(answer.status).toBe(200);
    return answer;
  }, SOON);
  expect(Date.now() - Date.parse(still.headers.get("last-modified") ?? "")).toBeLessThan(60_000);
  expect(Buffer.from(await still.arrayBuffer()).subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
  const state = (await (await fetch(`${base}/api/state`, { headers: { cookie } })).json()) as Record<string, unknown>;
  expect(state["cameras"]).toMatchObject([{ id: "gate", state: "live", stillAtMs: expect.any(Number) }]);

  const live = `${base.replace("http", "ws")}/api/cameras/gate/live`;
  expect(await viewerOf(live, {}).refused).toBe(401);
  const viewer = viewerOf(live, { cookie, origin: base });
  await vi.waitFor(() => expect(viewer.heard.length).toBeGreaterThan(2), SOON);
  expect(viewer.heard.slice(0, 2)).toMatchObject([{ kind: "header" }, { kind: "fragment", isKey: true }]);
  const closed = once(viewer.socket, "close");
  await fetch(`${base}/api/session`, { method: "DELETE", headers: { ...json, cookie } });
  await closed;
});
