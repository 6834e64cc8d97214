import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { LiveVideo, type LiveViewer } from "../../../cloud-bridge/api/live-video.ts";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { decodeLivePart, encodeLivePart, headerBody, type LiveMessage } from "../../../protocol/live-video.ts";
import type { Command } from "../../../protocol/session.ts";
import type { ApiClient } from "../../fakes/api-client.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

let authority: Authority;
let api: Awaited<ReturnType<typeof startTestApi>>;
beforeAll(async () => {
  authority = await makeTestAuthority();
  api = await startTestApi(authority);
  api.link.connected.add("n1");
});
afterAll(() => api.close());

const LIVE = "/api/v1/nodes/n1/cameras/gate/live";
const HEADER: LiveMessage = {
  ...{ kind: "header", seq: 1, atMs: 1000, isKey: true, body: headerBody("avc1.640028", new Uint8Array(50)) },
};
const picture = (seq: number, isKey: boolean, sizeBytes = 100): LiveMessage => ({
  ...{ kind: "fragment", seq, atMs: 1000 + seq, isKey, body: new Uint8Array(sizeBytes) },
});
const give = (message: LiveMessage, camera = "gate") => api.video.take("n1", camera, encodeLivePart(message));

/** What the node was asked for, newest last: camera and for how long. */
function asked(): [unknown, unknown][] {
  return api.link.sent
    .map(([, text]) => JSON.parse(text) as Command)
    .filter(({ kind, args }) => kind === "live" && args["stream"] === "video")
    .map(({ args }) => [args["device"], args["forMs"]]);
}

/** Reads an answer without end. */
async function watch(client: ApiClient, path = LIVE) {
  const call = request(new URL(path, api.url), {
    method: "POST",
    ca: authority.caPem,
    headers: {
      origin: client.origin,
      "sec-fetch-site": "same-origin",
      ...(client.cookie && { cookie: client.cookie }),
    },
  });
  call.on("error", () => {});
  onTestFinished(() => void call.destroy());
  call.end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  let bytes = Buffer.alloc(0);
  response.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  response.on("error", () => {});
  const seen = () => {
    const kinds: string[] = [];
    for (let at = 0; at + 28 <= bytes.length; ) {
      const whole = bytes.subarray(at, at + 28 + bytes.readUInt32BE(at + 24));
      const part = decodeLivePart(whole);
      if (part === undefined) break;
      kinds.push(`${part.kind} ${part.seq}`);
      at += whole.length;
    }
    return kinds;
  };
  return { response, seen, leave: () => call.destroy() };
}

test("one stream is asked of the node however many watch, late ones begin with its header, and the last ends it", async () => {
  const before = asked().length;
  const first = await watch(await api.as("viewer"));
  expect(first.response.statusCode).toBe(200);
  give(HEADER);
  give(picture(1, true));
  give(picture(2, false));
  const second = await watch(await api.as("dispatcher"));
  give(picture(3, false));
  give(picture(4, true));
  await vi.waitFor(() => expect(first.seen()).toEqual(["header 1", ...[1, 2, 3, 4].map((seq) => `fragment ${seq}`)]));
  await vi.waitFor(() => expect(second.seen()).toEqual(["header 1", "fragment 4"]));
  expect(api.video.counters).toMatchObject({ streams: 1, viewers: 2 });
  first.leave();
  await vi.waitFor(() => expect(api.video.counters.viewers).toBe(1));
  expect(
    asked()
      .slice(before)
      .every(([, forMs]) => forMs === 60_000),
  ).toBe(true);
  second.leave();
  await vi.waitFor(() => expect(asked().at(-1)).toEqual(["gate", 0]));
  expect(api.video.counters).toMatchObject({ streams: 0, viewers: 0 });
  // What still comes is nobody's.
  expect(give(picture(5, true))).toBe(true);
  const { rows } = { rows: await api.store.db.selectFrom("audit").select(["action", "target"]).execute() };
  expect(rows).toContainEqual({ action: "camera.live", target: "n1/gate" });
});

test("who leaves and comes back before the node has noticed hears how the video begins, and those who stayed hear nothing twice", async () => {
  const viewer = await api.as("viewer");
  const early = await watch(viewer);
  give(HEADER);
  give(picture(1, true));
  await vi.waitFor(() => expect(early.seen()).toEqual(["header 1", "fragment 1"]));
  early.leave();
  await vi.waitFor(() => expect(api.video.counters.viewers).toBe(0));
  const back = await watch(viewer);
  // The node's video went on: it says its beginning once more, since somebody asked.
  give(picture(2, false));
  give(HEADER);
  give(picture(3, false));
  give(picture(4, true));
  give(HEADER);
  give(picture(5, false));
  await vi.waitFor(() => expect(back.seen()).toEqual(["header 1", "fragment 4", "fragment 5"]));
  // A camera that came back has the same header and other times.
  give({ ...HEADER, seq: 6, atMs: 9000 });
  give(picture(7, true));
  await vi.waitFor(() => expect(back.seen().slice(3)).toEqual(["header 6", "fragment 7"]));
  back.leave();
  await vi.waitFor(() => expect(api.video.counters.streams).toBe(0));
});

test("without a session, for a crew, from a foreign page, or of a node that is away there is no video", async () => {
  expect((await api.client().ask(LIVE, { method: "POST" })).status).toBe(401);
  expect((await (await api.as("crew")).ask(LIVE, { method: "POST" })).status).toBe(403);
  const viewer = await api.as("viewer");
  const foreign = { origin: "https://elsewhere.example", "sec-fetch-site": "cross-site" };
  expect((await viewer.ask(LIVE, { method: "POST", headers: foreign })).json).toMatchObject({ code: "ORIGIN_REFUSED" });
  const away = await viewer.ask("/api/v1/nodes/n2/cameras/gate/live", { method: "POST" });
  expect(away.json).toMatchObject({ code: "NODE_NOT_CONNECTED" });
  const watching = await watch(viewer);
  expect((await viewer.ask(LIVE.replace("gate", "yard"), { method: "POST" })).json).toMatchObject({
    code: "LIVE_BUSY",
  });
  watching.leave();
  await vi.waitFor(() => expect(api.video.counters.viewers).toBe(0));
});

/** A viewer with its socket in the test's hand. */
function paperViewer(account = "a") {
  const viewer = {
    ...{ account, waitingBytes: 0, isIn: true, hasEnded: false, got: [] as Uint8Array[] },
    send(bytes: Uint8Array) {
      viewer.got.push(bytes);
      viewer.waitingBytes += bytes.length;
    },
    end() {
      viewer.hasEnded = true;
    },
    isAllowed: async () => viewer.isIn,
  };
  return viewer satisfies LiveViewer & object;
}

function paperVideo() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const orders: string[] = [];
  const video = new LiveVideo({
    nowMs: () => Date.now(),
    log: silentLogger,
    order: async (node, camera, forMs) => {
      orders.push(`${node}/${camera} ${forMs}`);
      return true;
    },
  });
  onTestFinished(() => video.close());
  return { video, orders };
}

test("a slow viewer's memory is bounded: it misses pictures, and is let go when it takes nothing at all", async () => {
  const { video, orders } = paperVideo();
  const slow = paperViewer();
  const quick = paperViewer();
  await video.open("n1", "gate", slow);
  await video.open("n1", "gate", quick);
  video.take("n1", "gate", encodeLivePart(HEADER));
  for (let seq = 1; seq <= 100; seq += 1) {
    video.take("n1", "gate", encodeLivePart(picture(seq, seq % 10 === 1, 100_000)));
    quick.waitingBytes = 0;
  }
  expect(quick.got).toHaveLength(101);
  expect(slow.waitingBytes).toBeLessThan(1024 * 1024 + 101_000);
  slow.waitingBytes = 0;
  video.take("n1", "gate", encodeLivePart(picture(101, false)));
  const before = slow.got.length;
  video.take("n1", "gate", encodeLivePart(picture(102, true)));
  expect(slow.got).toHaveLength(before + 1);
  slow.waitingBytes = 2 * 1024 * 1024;
  await vi.advanceTimersByTimeAsync(26_000);
  expect(slow.hasEnded).toBe(false);
  await vi.advanceTimersByTimeAsync(25_000);
  expect([slow.hasEnded, quick.hasEnded]).toEqual([true, false]);
  expect(orders.filter((order) => order.endsWith(" 60000")).length).toBeGreaterThanOrEqual(4);
});

test("who may no longer look, or has looked for ten minutes, is let go, and the lease goes with the last", async () => {
  const { video, orders } = paperVideo();
  const moved = paperViewer();
  const patient = paperViewer();
  await video.open("n1", "gate", moved);
  await video.open("n1", "gate", patient);
  moved.isIn = false;
  await vi.advanceTimersByTimeAsync(26_000);
  expect([moved.hasEnded, patient.hasEnded, video.counters.viewers]).toEqual([true, false, 1]);
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect([patient.hasEnded, video.counters.streams, orders.at(-1)]).toEqual([true, 0, "n1/gate 0"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(orders.at(-1)).toBe("n1/gate 0");
  for (let n = 0; n < 8; n += 1) await video.open(`m${n}`, "gate", paperViewer("greedy"));
  await expect(video.open("m8", "gate", paperViewer("greedy"))).rejects.toMatchObject({ code: "LIVE_VIEWERS" });
});
