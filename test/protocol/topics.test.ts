import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildTopic, parseTopic } from "../../protocol/topics.ts";

describe("topics", () => {
  test("a built topic parses back to itself", () => {
    for (const channel of ["up", "receipt", "state", "down"] as const) {
      expect(parseTopic(buildTopic({ node: "site-042", channel }))).toEqual({ node: "site-042", channel });
    }
    expect(parseTopic(buildTopic({ node: "a", channel: "live", name: "noise-01" }, "city"), "city")).toEqual({
      node: "a",
      channel: "live",
      name: "noise-01",
    });
  });

  test("wildcards, empty levels and foreign prefixes are no topics", () => {
    for (const text of ["shao/+/up", "shao//up", "shao/a/up/x", "shao/a/#", "other/a/up", "shao/A/up", "shao/a/live"]) {
      expect(parseTopic(text)).toBeUndefined();
    }
  });

  test("whatever parses can be built again to the same text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."shao/ab-_+#up live".split("")), maxLength: 30 }), (text) => {
        const topic = parseTopic(text);
        if (topic !== undefined) expect(buildTopic(topic)).toBe(text);
      }),
    );
  });
});
