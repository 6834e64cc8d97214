import { expect, test } from "vitest";
import type { ApiOptions } from "../../cloud-bridge/api/context.ts";
import { liveOrder } from "../../cloud-bridge/api/live-order.ts";
import { Relay } from "../../cloud-bridge/relay.ts";
import type { BusMessage } from "../../cloud-bridge/store/bus.ts";

/** Processes of one bridge that hear each other at once, and what the node is asked for by whom. */
function bridge() {
  const relays = new Map<string, Relay>();
  const asked: string[] = [];
  const seen: string[] = [];
  let nowMs = 1_000_000;
  const clock = { nowMs: () => nowMs, upMs: () => nowMs };
  const start = (worker: string) => {
    const nothing = () => {};
    const relay = new Relay({
      ...{ db: undefined as never, worker, clock, prefix: "shao" },
      ...{ onEvents: nothing, onDesk: nothing, onPresence: nothing },
      onLive: (node, device) => void seen.push(`${worker}: ${node}/${device}`),
    });
    const tell = (message: BusMessage): void => {
      for (const [name, other] of relays) if (name !== worker) other.hear(message, worker);
    };
    relay.join({ tell, close: async () => {} });
    relays.set(worker, relay);
    const publish = async (_topic: string, bytes: Uint8Array) => {
      asked.push(`${worker} ${JSON.parse(Buffer.from(bytes).toString()).args.forMs}`);
      return true;
    };
    const options = {
      ...{ authority: { signCommand: (command: object) => command }, clock, link: { publish }, topicPrefix: "shao" },
      onVideo: (node: string, camera: string, untilMs: number) => relay.video(node, camera, untilMs),
      isVideoElsewhere: (node: string, camera: string) => relay.isVideoElsewhere(node, camera),
    };
    const order = liveOrder(options as unknown as ApiOptions);
    return { relay, watch: () => order("n1", "gate", 60_000), leave: () => order("n1", "gate", 0) };
  };
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { start, asked, seen, pass };
}

test("of several processes the last to be watched at ends a video, and none before", async () => {
  const { start, asked, pass } = bridge();
  const [a, b, c] = [start("a"), start("b"), start("c")];
  for (const { watch } of [a, b, c]) await watch();
  pass(10_000);
  for (const { leave } of [b, a, c]) await leave();
  expect(asked).toEqual(["a 60000", "b 60000", "c 60000", "c 0"]);
  await a.watch();
  await a.leave();
  expect(asked.slice(4)).toEqual(["a 60000", "a 0"]);
});

test("a process that died holds a video no longer than its lease", async () => {
  const { start, asked, pass } = bridge();
  const [a, b] = [start("a"), start("b")];
  await a.watch();
  await b.watch();
  pass(59_000);
  await a.watch();
  pass(2000);
  await a.leave();
  expect(asked.at(-1)).toBe("a 0");
});

test("the end of a video takes no stills from who looks at them at the same process", async () => {
  const { start, seen, pass } = bridge();
  const [a, b] = [start("a"), start("b")];
  b.relay.lease("n1", "gate", 1_060_000);
  await b.watch();
  pass(10_000);
  await b.leave();
  pass(10_000);
  a.relay.live("n1", "gate", new Uint8Array(3));
  expect(seen).toEqual(["b: n1/gate"]);
  pass(60_000);
  a.relay.live("n1", "gate", new Uint8Array(3));
  expect(seen).toHaveLength(1);
});
