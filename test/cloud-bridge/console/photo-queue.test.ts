import { expect, test } from "vitest";
import type { SendResult } from "../../../cloud-bridge/console/src/crew/act-queue.ts";
import {
  PhotoQueue,
  type PhotoStore,
  type QueuedPhoto,
  type WaitingPhotos,
} from "../../../cloud-bridge/console/src/crew/photo-queue.ts";

function phone() {
  const kept: QueuedPhoto[] = [];
  const store: PhotoStore = {
    all: async () => [...kept],
    put: async (photo) => void kept.push(photo),
    remove: async (key) => {
      const at = kept.findIndex((photo) => photo.key === key);
      if (at >= 0) kept.splice(at, 1);
    },
  };
  return { kept, store };
}
const photo = (key: string, crewId = "crew-a"): QueuedPhoto => ({
  ...{ key, crewId, assignmentId: "a", deviceTimeMs: 1 },
  bytes: new Blob(["x"]),
});

test("photos of a dead spot wait in order, also over a closed page, and each goes once the line is back", async () => {
  const { kept, store } = phone();
  let answer: SendResult = "later";
  const sent: string[] = [];
  const waiting: WaitingPhotos[] = [];
  const queueOf = () =>
    new PhotoQueue(
      "crew-a",
      store,
      async ({ key }) => {
        sent.push(key);
        return answer;
      },
      (now) => waiting.push(now),
    );
  const queue = queueOf();
  await queue.add(photo("one"));
  await queue.add(photo("two"));
  expect([sent, kept.length, waiting.at(-1)]).toEqual([["one", "one"], 2, { own: 2, others: 0 }]);
  answer = "taken";
  const after = queueOf();
  await Promise.all([after.flush(), after.flush()]);
  expect([sent.slice(2), kept, waiting.at(-1)]).toEqual([["one", "two"], [], { own: 0, others: 0 }]);
});

test("a photo that the bridge refuses for good does not keep the others back", async () => {
  const { kept, store } = phone();
  const queue = new PhotoQueue(
    "crew-a",
    store,
    async ({ key }) => (key === "bad" ? "refused" : "taken"),
    () => {},
  );
  await store.put(photo("bad"));
  await queue.add(photo("good"));
  expect(kept).toEqual([]);
});

test("on a phone that crews share, another crew's photos stay for that crew", async () => {
  const { kept, store } = phone();
  await store.put(photo("of-a"));
  const sent: string[] = [];
  let waiting: WaitingPhotos | undefined;
  const queueOf = (crewId: string) =>
    new PhotoQueue(
      crewId,
      store,
      async ({ key }) => {
        sent.push(key);
        return "taken";
      },
      (now) => {
        waiting = now;
      },
    );
  await queueOf("crew-b").add(photo("of-b", "crew-b"));
  expect([sent, kept.map(({ key }) => key), waiting]).toEqual([["of-b"], ["of-a"], { own: 0, others: 1 }]);
  await queueOf("crew-a").flush();
  expect([sent, kept]).toEqual([["of-b", "of-a"], []]);
});
