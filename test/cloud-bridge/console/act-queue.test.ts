import { describe, expect, test } from "vitest";
import {
  ActQueue,
  type ActStore,
  type QueuedAct,
  type SendResult,
} from "../../../cloud-bridge/console/src/crew/act-queue.ts";
import { nextActs, stateAfter } from "../../../cloud-bridge/console/src/crew/steps.ts";

function memory(text: string | null = null): ActStore & { text: string | null } {
  return {
    text,
    read() {
      return this.text;
    },
    write(next) {
      this.text = next;
    },
  };
}

const act = (key: string, name: QueuedAct["act"]["act"]): QueuedAct => ({
  key,
  assignmentId: "a1",
  act: { act: name, deviceTimeMs: 1 },
});

describe("acts pressed in a dead spot", () => {
  test("are sent in their order, with their own time and key, once there is a link", async () => {
    const store = memory();
    const sent: string[] = [];
    let hasLink = false;
    const send = async ({ key }: QueuedAct): Promise<SendResult> => {
      if (!hasLink) return "later";
      sent.push(key);
      return "taken";
    };
    const queue = new ActQueue({ store, send, onChange: () => {} });
    queue.add(act("k1", "acknowledge"));
    queue.add(act("k2", "en-route"));
    await queue.flush();
    expect(sent).toEqual([]);

    const afterRestart = new ActQueue({ store, send, onChange: () => {} });
    expect(afterRestart.waiting.map(({ key }) => key)).toEqual(["k1", "k2"]);
    hasLink = true;
    await Promise.all([afterRestart.flush(), afterRestart.flush()]);
    expect(sent).toEqual(["k1", "k2"]);
    expect(afterRestart.waiting).toEqual([]);
    expect(store.text).toBe("[]");
  });

  test("leave the queue when the bridge refuses them for good, and do not hold up the next", async () => {
    const queue = new ActQueue({
      store: memory(),
      send: async ({ key }) => (key === "k1" ? "refused" : "taken"),
      onChange: () => {},
    });
    queue.add(act("k1", "acknowledge"));
    queue.add(act("k2", "on-scene"));
    await queue.flush();
    expect(queue.waiting).toEqual([]);
  });

  test("survive a store that holds rubbish", () => {
    const options = { send: async (): Promise<SendResult> => "taken", onChange: () => {} };
    expect(new ActQueue({ ...options, store: memory("{") }).waiting).toEqual([]);
    expect(new ActQueue({ ...options, store: memory('[1,{"key":2}]') }).waiting).toEqual([]);
  });
});

test("the page goes on with the state that waiting acts will bring", () => {
  expect(stateAfter("assigned", ["acknowledge", "en-route"])).toBe("en-route");
  expect(stateAfter("on-scene", [])).toBe("on-scene");
  expect(nextActs("assigned")[0]).toBe("acknowledge");
  expect(nextActs("done")).toEqual([]);
});
