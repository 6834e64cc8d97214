import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import { commandFault, signCommand } from "../../protocol/command-signature.ts";
import { AlarmId, RunId } from "../../protocol/ids.ts";
import { newAlarmId, newRunId } from "../../protocol/new-ids.ts";

describe("canonical JSON", () => {
  test("sorts keys at every depth, leaves undefined out, and parses back to the same", () => {
    expect(canonicalJson({ b: 1, a: { d: [2, { z: 0, y: "字" }], c: null }, u: undefined })).toBe(
      `{"a":{"c":null,"d":[2,{"y":"字","z":0}]},"b":1}`,
    );
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("refuses what JSON cannot carry", () => {
    expect(() => canonicalJson({ a: Number.NaN })).toThrow(/cannot carry/);
    expect(() => canonicalJson([() => 1])).toThrow(/cannot carry/);
  });
});

describe("commands", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const keys = new Map([["k1", publicKey]]);
  const unsigned = {
    v: 1,
    id: "c1",
    node: "n1",
    kind: "live",
    args: { device: "noise-01" },
    issuedAtMs: 0,
    expiresAtMs: 100,
  } as const;
  const command = signCommand(unsigned, "k1", privateKey);

  const judged = (of: typeof command, reachedMs = 0, known = keys, node = "n1") =>
    commandFault(of, { node, keys: known, reachedMs });

  test("a signed command is obeyed until it expires, by the node that it names", () => {
    expect(judged(command, 100)).toBeUndefined();
    expect(judged(command, 101)).toBe("COMMAND_EXPIRED");
    expect(judged(command, 0, keys, "n2")).toBe("COMMAND_OTHER_NODE");
  });

  test("any change and any other key is seen", () => {
    expect(judged({ ...command, args: { device: "noise-02" } })).toBe("COMMAND_SIGNATURE");
    expect(judged({ ...command, expiresAtMs: 1e9 })).toBe("COMMAND_SIGNATURE");
    expect(judged({ ...command, node: "n2" }, 0, keys, "n2")).toBe("COMMAND_SIGNATURE");
    expect(judged({ ...command, sig: "" })).toBe("COMMAND_SIGNATURE");
    expect(judged({ ...command, keyId: "k2" })).toBe("COMMAND_KEY_UNKNOWN");
    const other = generateKeyPairSync("ed25519").publicKey;
    expect(judged(command, 0, new Map([["k1", other]]))).toBe("COMMAND_SIGNATURE");
  });

  test("an older form, or one without its node, is obeyed only where it changes nothing", () => {
    const { node: _, ...nameless } = unsigned;
    expect(judged(signCommand(nameless, "k1", privateKey))).toBeUndefined();
    expect(judged(signCommand({ ...nameless, kind: "relay" }, "k1", privateKey))).toBe("COMMAND_DOWNGRADED");
    expect(judged(signCommand({ ...unsigned, v: 0 }, "k1", privateKey))).toBe("COMMAND_DOWNGRADED");
  });
});

test("ids have the form of the contract, sort by time and do not repeat", () => {
  expect(Value.Check(AlarmId, newAlarmId(1_763_500_000_000))).toBe(true);
  expect(Value.Check(AlarmId, newAlarmId(-5))).toBe(true);
  expect(newAlarmId(1_000) < newAlarmId(2_000)).toBe(true);
  const runs = new Set(Array.from({ length: 1000 }, newRunId));
  expect(runs.size).toBe(1000);
  for (const run of runs) expect(Value.Check(RunId, run)).toBe(true);
});
