import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { expect, onTestFinished, test, vi } from "vitest";
import { EventHub } from "../../../cloud-bridge/api/event-hub.ts";
import { WHOLE } from "../../../cloud-bridge/roster/scope.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

const FILLER = "x".repeat(100_000);

/** A hub behind a plain HTTP server; who asks for /events gets a stream of an account of its own. */
async function startHub(drainMs: number, onWritten?: (response: ServerResponse | undefined) => void) {
  const store = await temporaryStore();
  let newest: ServerResponse | undefined;
  const proof = onWritten === undefined ? {} : { onWritten: () => onWritten(newest) };
  const hub = new EventHub({
    db: store.db,
    nowMs: () => 1,
    log: silentLogger,
    drainMs,
    scopeOf: async () => WHOLE,
    ...proof,
  });
  let accounts = 0;
  let isAllowed = true;
  const server = createServer((_request, response) => {
    newest = response;
    accounts += 1;
    const account = { id: String(accounts), name: `viewer ${accounts}`, role: "viewer" as const };
    void hub.open(response, account, undefined, async () => isAllowed);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    hub.close();
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    hub,
    newest: () => newest,
    /** The sessions of all readers are over. */
    signOut() {
      isAllowed = false;
    },
    async open(): Promise<IncomingMessage> {
      const call = request({ host: "127.0.0.1", port, path: "/events", agent: false }).end();
      call.on("error", () => {});
      const [response] = (await once(call, "response")) as [IncomingMessage];
      return response;
    },
    async tell(count: number): Promise<void> {
      for (let n = 0; n < count; n += 1) {
        const data = JSON.stringify({ n, filler: FILLER });
        await store.db.insertInto("events").values({ name: "case", data, at_ms: 1 }).execute();
      }
      hub.wake();
    },
  };
}

test("a reader that takes nothing is cut, and one that reads slowly gets every event", async () => {
  const { hub, open, tell } = await startHub(6000);
  const [stuck, slow] = [await open(), await open()];
  stuck.pause();
  const cut = new Promise<void>((resolve) => stuck.once("error", () => resolve()).once("close", () => resolve()));
  let text = "";
  slow.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    slow.pause();
    setTimeout(() => slow.resume(), 5);
  });
  await tell(120);
  await vi.waitFor(() => expect(hub.counters).toEqual({ streams: 1, dropped: 1 }), { timeout: 60_000 });
  stuck.resume();
  await cut;
  await vi.waitFor(() => expect(text.match(/"n":\d+/gu)).toHaveLength(120), { timeout: 60_000 });
  expect(text.match(/^id: \d+$/gmu)).toEqual(Array.from({ length: 120 }, (_, n) => `id: ${n + 1}`));
});

test("an event is proven delivered only once the socket has taken it, and what the proof sets off does not hold it back", async () => {
  const waiting: (number | undefined)[] = [];
  const { open, tell } = await startHub(5000, (response) => waiting.push(response?.writableLength));
  const reader = await open();
  reader.resume();
  await tell(2);
  await vi.waitFor(() => expect(waiting).toEqual([0, 0]));
});

test("what is transient is not piled up for a reader that is behind", async () => {
  const { hub, open, tell } = await startHub(5000);
  const stuck = await open();
  stuck.pause();
  await tell(120);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = process.memoryUsage().external;
  for (let n = 0; n < 20_000; n += 1) hub.presence({ node: "n1", presence: { transport: "connected", devices: [] } });
  expect(process.memoryUsage().external - before).toBeLessThan(1024 * 1024);
  stuck.destroy();
});

test("a reader whose session is over is let go at once, and what comes after that ends no process", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const { hub, open, tell, newest, signOut } = await startHub(5000);
  const reader = await open();
  reader.on("error", () => {});
  const errors: unknown[] = [];
  newest()?.on("error", (error) => errors.push(error));
  reader.pause();
  await tell(120);
  await vi.waitFor(() => expect(newest()?.writableNeedDrain).toBe(true));
  signOut();
  await vi.advanceTimersByTimeAsync(15_000);
  hub.presence({ node: "n1", presence: { transport: "connected", devices: [] } });
  await new Promise((resolve) => setImmediate(resolve));
  expect(errors).toEqual([]);
  expect(hub.counters.streams).toBe(0);
  expect(newest()?.destroyed).toBe(true);
});
