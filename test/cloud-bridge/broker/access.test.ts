import { expect, test } from "vitest";
import { publishRefusal, subscribeRefusal, willRefusal } from "../../../cloud-bridge/broker/access.ts";

const plain = (topic: string) => ({ topic, qos: 1, retain: false });

test("a node publishes on its own topics only", () => {
  for (const topic of ["shao/n1/up", "shao/n1/state", "shao/n1/live/noise-01", "shao/n1/blob/e1"]) {
    expect(publishRefusal("n1", plain(topic), "shao"), topic).toBeUndefined();
  }
  const foreign = [
    "shao/n2/up",
    "shao/n1/receipt",
    "shao/n1/down",
    "shao/n1",
    "shao/n1/up/x",
    "other/n1/up",
    "$SYS/x",
    "",
  ];
  for (const topic of foreign) expect(publishRefusal("n1", plain(topic), "shao"), topic).toBe("foreign-topic");
});

test("only the state may be retained, and quality 2 is not spoken", () => {
  expect(publishRefusal("n1", { topic: "shao/n1/state", qos: 1, retain: true }, "shao")).toBeUndefined();
  expect(publishRefusal("n1", { topic: "shao/n1/up", qos: 1, retain: true }, "shao")).toBe("retained");
  expect(publishRefusal("n1", { topic: "shao/n1/up", qos: 2, retain: false }, "shao")).toBe("quality-of-service");
});

test("a node hears its own receipts and commands only, and never with a wildcard", () => {
  expect(subscribeRefusal("n1", "shao/n1/receipt", "shao")).toBeUndefined();
  expect(subscribeRefusal("n1", "shao/n1/down", "shao")).toBeUndefined();
  const wide = [
    "#",
    "shao/#",
    "shao/+/down",
    "shao/n1/#",
    "shao/n2/down",
    "shao/n1/up",
    "$share/g/shao/n1/down",
    "$SYS/#",
  ];
  for (const filter of wide) expect(subscribeRefusal("n1", filter, "shao"), filter).toBe("foreign-subscription");
});

test("a will stands on the node's own state only", () => {
  expect(willRefusal("n1", { topic: "shao/n1/state", qos: 1, retain: true }, "shao")).toBeUndefined();
  expect(willRefusal("n1", plain("shao/n1/up"), "shao")).toBe("foreign-will");
  expect(willRefusal("n1", plain("shao/n2/state"), "shao")).toBe("foreign-will");
});
