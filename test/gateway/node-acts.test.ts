import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { Commands } from "../../gateway/commands/commands.ts";
import { LiveLeases } from "../../gateway/commands/live-leases.ts";
import type { EvidenceToTake } from "../../gateway/contracts/evidence.ts";
import { actOn, type NodeActs } from "../../gateway/node-acts.ts";
import type { Supervisor } from "../../gateway/supervisor/supervisor.ts";
import { signCommand } from "../../protocol/command-signature.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { type Command, CommandKind } from "../../protocol/session.ts";
import { QuietLog } from "../fakes/quiet-log.ts";

const NOW_MS = Date.UTC(2026, 10, 21, 22);

test.each(["text", "status", "relay", "snapshot"] as const)(
  "a signed %s reaches its device as it was asked, and is answered",
  async (kind) => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const delivered: unknown[] = [];
    const results: NewRecord[] = [];
    const supervisor: Supervisor = {
      health: () => [],
      park: () => undefined,
      stateOf: () => undefined,
      done: Promise.resolve(),
      deliver: async (order) => {
        delivered.push(order);
        return { ok: true, value: { isSent: true } };
      },
    };
    const node = nodeWith({ devices: [{ id: "radio" }], supervisor });
    const commands = await Commands.open({
      node: "n1",
      keys: new Map([["k1", publicKey]]),
      journal: {
        getSetting: async () => undefined,
        setSetting: async () => undefined,
        write: async ({ append = [] }) => {
          results.push(...append);
          return [results.length];
        },
      },
      stamp: () => ({ upMs: 1, atMs: NOW_MS, timeQuality: "ntp" }),
      log: new QuietLog(),
      act: (command) => actOn(command, node),
      onRestart: () => undefined,
    });
    const args = { device: "radio", to: "2001", code: 32_772 };
    const times = { issuedAtMs: NOW_MS - 1000, expiresAtMs: NOW_MS + 60_000 };
    const command = signCommand({ v: 1, id: "c1", node: "n1", kind, args, ...times }, "k1", privateKey);
    await commands.take(Buffer.from(JSON.stringify(command)));
    expect(delivered).toEqual([{ device: "radio", id: "c1", kind, args }]);
    expect(results).toMatchObject([{ kind: "result", body: { commandId: "c1", ok: true, value: { isSent: true } } }]);
  },
);

function nodeWith(more: Partial<NodeActs> = {}): NodeActs {
  return {
    devices: [],
    leases: new LiveLeases(() => 0),
    supervisor: undefined,
    isStarted: async () => undefined,
    logs: { setLevel: () => undefined },
    assignments: { hear: async () => true },
    cameras: undefined,
    evidence: { take: async () => [] },
    stamp: () => ({ upMs: 1, atMs: NOW_MS, timeQuality: "ntp" }),
    diagnostics: () => Promise.reject(new Error("the journal is broken")),
    ...more,
  };
}

const command = (kind: Command["kind"], args: Command["args"] = {}): Command => ({
  ...{ v: 1, id: "c1", node: "n1", kind, args, keyId: "k1", sig: "" },
  ...{ issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + 1 },
});

test("no kind of command is without an answer", async () => {
  const kinds = CommandKind.anyOf.map((literal) => literal.const);
  const done: Command["kind"][] = ["restart", "diagnostics", "assignment"];
  const asked = kinds.filter((kind) => !done.includes(kind));
  const outcomes = await Promise.all(asked.map((kind) => actOn(command(kind), nodeWith())));
  expect(outcomes.filter((outcome) => outcome === "later" || outcome.ok)).toEqual([]);
});

test("a node without a camera says so, and what this gateway does not do is refused by name", async () => {
  const outcomes = [
    await actOn(command("snapshot", { device: "gate" }), nodeWith()),
    await actOn(command("config"), nodeWith()),
    await actOn(command("update"), nodeWith()),
  ];
  expect(outcomes).toMatchObject([
    { code: "CAMERA_NONE" },
    { code: "COMMAND_UNSUPPORTED", message: expect.stringContaining("config") },
    { code: "COMMAND_UNSUPPORTED" },
  ]);
});

test("the bridge may want the video of one camera at a time, for a minute, and says when nobody looks any more", async () => {
  let upMs = 0;
  const leases = new LiveLeases(() => upMs);
  const cameras = { has: (id: string) => id !== "off" } as NodeActs["cameras"];
  const devices = [{ id: "gate" }, { id: "yard" }, { id: "off" }];
  const node = nodeWith({ devices, leases, cameras });
  const video = (device: string, forMs = 60_000) =>
    actOn(command("live", { device, stream: "video", forMs }), node).then((outcome) =>
      outcome === "later" || outcome.ok ? leases.video : outcome.code,
    );
  expect(await video("off")).toBe("CAMERA_NONE");
  expect(await video("gate")).toBe("gate");
  expect(await video("yard")).toBe("LIVE_BUSY");
  // Stills are another matter.
  expect([leases.isWatched("gate"), leases.video]).toEqual([false, "gate"]);
  expect(await video("yard", 0)).toBe("gate");
  expect(await video("gate", 0)).toBeUndefined();
  expect(await video("yard")).toBe("yard");
  upMs = 60_001;
  expect(leases.video).toBeUndefined();
  expect(await video("gate")).toBe("gate");
});

test("a picture that was asked for goes into custody under the command's name", async () => {
  const taken: EvidenceToTake[] = [];
  const outcome = await actOn(
    command("snapshot", { device: "gate" }),
    nodeWith({
      cameras: {
        has: (id) => id === "gate",
        snapshot: async () => ({
          ...{ name: "gate.jpg", type: "snapshot" as const, from: { bytes: Buffer.from("jpeg") } },
          ...{ fromMs: NOW_MS, toMs: NOW_MS },
        }),
        clip: () => Promise.reject(new Error("not asked for")),
      },
      evidence: {
        take: async (evidence) => {
          taken.push(evidence);
          return [{ name: "gate.jpg", type: "snapshot", sizeBytes: 4, sha256: "ab", fromMs: 0, toMs: 0 }];
        },
      },
    }),
  );
  expect(outcome).toMatchObject({ ok: true, value: { evidenceId: expect.stringMatching(/^cmd-/), sha256: "ab" } });
  expect(taken).toMatchObject([{ record: { kind: "evidence", device: "gate", body: { commandId: "c1" } } }]);
});

test("a clip that the ring cannot fill says how much of it is not there", async () => {
  const taken: EvidenceToTake[] = [];
  const clipOf = (heldS: number) =>
    actOn(
      command("clip", { device: "gate", seconds: 90 }),
      nodeWith({
        cameras: {
          has: () => true,
          snapshot: () => Promise.reject(new Error("not asked for")),
          clip: async () => ({
            media: [
              {
                ...{ name: "clip", type: "clip" as const, from: { bytes: Buffer.from("mp4") } },
                ...{ fromMs: NOW_MS - heldS * 1000, toMs: NOW_MS },
              },
            ],
            missing: heldS < 90 ? [{ name: "clip-gap", reason: "some" }] : [],
            lackingS: heldS < 90 ? Math.round(90 - heldS) : 0,
          }),
        },
        evidence: {
          take: async (evidence) => {
            taken.push(evidence);
            return [{ name: "clip", type: "clip", sizeBytes: 3, sha256: "ab", fromMs: 0, toMs: 0 }];
          },
        },
      }),
    );
  expect(await clipOf(61.2)).toMatchObject({ ok: true, value: { lackingS: 29 } });
  expect(taken[0]?.record.body.missing).toEqual([{ name: "clip-gap", reason: "some" }]);
  expect(await clipOf(90.4)).toMatchObject({ ok: true, value: { evidenceId: expect.any(String) } });
  expect(taken[1]?.record.body.missing).toEqual([]);
});
