import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type CommandOutcome, Commands } from "../../../gateway/commands/commands.ts";
import { signCommand, type UnsignedCommand } from "../../../protocol/command-signature.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

const NOW_MS = Date.UTC(2026, 10, 21, 22);
const bridge = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");

function order(id: string, more: Partial<UnsignedCommand> = {}): UnsignedCommand {
  const times = { issuedAtMs: NOW_MS - 1000, expiresAtMs: NOW_MS + 60_000 };
  return { v: 1, id, kind: "live", args: { device: "noise-01" }, ...times, ...more };
}

const signed = (command: UnsignedCommand, key: KeyObject = bridge.privateKey) =>
  Buffer.from(JSON.stringify(signCommand(command, "k1", key)));

async function node(settings = new Map<string, string>(), timeQuality: "ntp" | "none" = "ntp") {
  const acted: string[] = [];
  const results: NewRecord[] = [];
  let outcome: () => CommandOutcome = () => ({ ok: true });
  let restarts = 0;
  const commands = await Commands.open({
    keys: new Map([["k1", bridge.publicKey]]),
    journal: {
      getSetting: async (key) => settings.get(key),
      setSetting: async (key, value) => void settings.set(key, value),
      write: async ({ append = [] }, urgency) => {
        expect(urgency).toBe("urgent");
        results.push(...append);
        return [results.length];
      },
    },
    stamp: () => ({ upMs: 1, atMs: NOW_MS, timeQuality }),
    log: new QuietLog(),
    act: async ({ id }) => {
      acted.push(id);
      return outcome();
    },
    onRestart: () => {
      restarts += 1;
    },
  });
  return {
    commands,
    acted,
    results,
    settings,
    restarts: () => restarts,
    answer: (next: () => CommandOutcome) => {
      outcome = next;
    },
  };
}

describe("a command", () => {
  test("of the bridge is done once and answered by one result record, also when it comes again after a restart", async () => {
    const { commands, acted, results, settings } = await node();
    await commands.take(signed(order("c1")));
    await commands.take(signed(order("c1")));
    const again = await node(settings);
    await again.commands.take(signed(order("c1")));
    expect([...acted, ...again.acted]).toEqual(["c1"]);
    expect([...results, ...again.results]).toMatchObject([{ kind: "result", body: { commandId: "c1", ok: true } }]);
  });

  test("that is forged, changed, of another key or no command at all is ignored and counted", async () => {
    const { commands, acted, results } = await node();
    const good = signCommand(order("c1"), "k1", bridge.privateKey);
    await commands.take(signed(order("c1"), stranger.privateKey));
    await commands.take(Buffer.from(JSON.stringify({ ...good, kind: "restart" })));
    await commands.take(Buffer.from(JSON.stringify({ ...good, keyId: "k2" })));
    await commands.take(Buffer.from("{}"));
    await commands.take(Buffer.from("[".repeat(60_000)));
    await commands.take(Buffer.alloc(1_000_000, "x"));
    expect(acted).toEqual([]);
    expect(results).toEqual([]);
    expect(commands.refused).toBe(6);
  });

  test("that comes after its time is answered as such and not done", async () => {
    const { commands, acted, results } = await node();
    await commands.take(signed(order("c1", { expiresAtMs: NOW_MS - 1 })));
    expect(acted).toEqual([]);
    expect(results).toMatchObject([{ body: { ok: false, code: "COMMAND_EXPIRED" } }]);
  });

  test("that a wrong clock could make late is refused by a node without a clock; looking is not", async () => {
    const { commands, acted, results } = await node(new Map(), "none");
    await commands.take(signed(order("c1", { kind: "relay" })));
    await commands.take(signed(order("c2", { kind: "live", expiresAtMs: 1 })));
    expect(acted).toEqual(["c2"]);
    expect(results).toMatchObject([{ body: { code: "COMMAND_NO_CLOCK" } }, { body: { ok: true } }]);
  });

  test("that breaks on us, or answers too much, is answered all the same", async () => {
    const { commands, results, answer } = await node();
    answer(() => {
      throw new Error("broke");
    });
    await commands.take(signed(order("c1")));
    answer(() => ({ ok: true, value: "x".repeat(5000) }));
    await commands.take(signed(order("c2")));
    answer(() => ({ ok: true, value: { levelDb: 50 } }));
    await commands.take(signed(order("c3")));
    expect(results).toMatchObject([
      { body: { ok: false, code: "COMMAND_FAULT", message: "broke" } },
      { body: { ok: true, message: expect.stringContaining("too large") } },
      { body: { ok: true, value: { levelDb: 50 } } },
    ]);
  });

  test("to restart is obeyed only once its result is on the disk", async () => {
    const { commands, results, restarts } = await node();
    await commands.take(signed(order("c1", { kind: "restart" })));
    expect(results).toHaveLength(1);
    expect(restarts()).toBe(1);
  });
});
