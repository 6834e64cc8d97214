import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { Commands } from "../../gateway/commands/commands.ts";
import { LiveLeases } from "../../gateway/commands/live-leases.ts";
import { actOn, type NodeActs } from "../../gateway/node-acts.ts";
import type { Supervisor } from "../../gateway/supervisor/supervisor.ts";
import { signCommand } from "../../protocol/command-signature.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { Command } from "../../protocol/session.ts";
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
    const node: NodeActs = {
      devices: [{ id: "radio" }],
      leases: new LiveLeases(() => 0),
      supervisor,
      health: () => Promise.reject(new Error("nobody asked for it")),
    };
    const commands = await Commands.open({
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
    const command = signCommand({ v: 1, id: "c1", kind, args, ...times }, "k1", privateKey);
    await commands.take(Buffer.from(JSON.stringify(command)));
    expect(delivered).toEqual([{ device: "radio", id: "c1", kind, args }]);
    expect(results).toMatchObject([{ kind: "result", body: { commandId: "c1", ok: true, value: { isSent: true } } }]);
  },
);

test("no kind of command is without an answer", async () => {
  const node: NodeActs = {
    devices: [],
    leases: new LiveLeases(() => 0),
    supervisor: undefined,
    health: () => Promise.reject(new Error("the journal is broken")),
  };
  const kinds = Command.properties.kind.anyOf.map((literal) => literal.const);
  const times = { issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + 1, keyId: "k1", sig: "" };
  const codes = await Promise.all(
    kinds
      .filter((kind) => kind !== "restart" && kind !== "diagnostics")
      .map(async (kind) => actOn({ v: 1, id: "c1", kind, args: {}, ...times }, node)),
  );
  expect(codes.filter((outcome) => outcome.ok)).toEqual([]);
});
