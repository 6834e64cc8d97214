import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { type CommandOutcome, Commands } from "../../../gateway/commands/commands.ts";
import { signCommand, type UnsignedCommand } from "../../../protocol/command-signature.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

const NOW_MS = Date.UTC(2026, 10, 21, 22);
const bridge = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");

function order(id: string, more: Partial<UnsignedCommand> = {}): UnsignedCommand {
  const times = { issuedAtMs: NOW_MS - 1000, expiresAtMs: NOW_MS + 60_000 };
  return { v: 1, id, node: "n1", kind: "live", args: { device: "noise-01" }, ...times, ...more };
}

const signed = (command: UnsignedCommand, key: KeyObject = bridge.privateKey) =>
  Buffer.from(JSON.stringify(signCommand(command, "k1", key)));

async function node(
  settings = new Map<string, string>(),
  timeQuality: "ntp" | "none" = "ntp",
  upMs: () => number = () => 1,
) {
  const acted: string[] = [];
  const results: NewRecord[] = [];
  let outcome: () => CommandOutcome = () => ({ ok: true });
  let restarts = 0;
  const commands = await Commands.open({
    node: "n1",
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
    stamp: () => ({ upMs: upMs(), atMs: NOW_MS, timeQuality }),
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

  test("that is forged, changed, of another key or no command at all is not done, and said once a minute", async () => {
    let upMs = 1;
    const { commands, acted, results } = await node(new Map(), "ntp", () => upMs);
    const good = signCommand(order("c1"), "k1", bridge.privateKey);
    await commands.take(signed(order("c1"), stranger.privateKey));
    await commands.take(Buffer.from(JSON.stringify({ ...good, kind: "restart" })));
    await commands.take(Buffer.from(JSON.stringify({ ...good, keyId: "k2" })));
    await commands.take(Buffer.from("{}"));
    await commands.take(Buffer.from("[".repeat(60_000)));
    await commands.take(Buffer.alloc(1_000_000, "x"));
    expect(acted).toEqual([]);
    expect(results).toMatchObject([
      { kind: "result", body: { commandId: "c1", ok: false, code: "COMMAND_SIGNATURE" } },
    ]);
    expect(commands.refused).toBe(6);
    upMs += 60_000;
    await commands.take(Buffer.from(JSON.stringify({ ...good, keyId: "k2" })));
    expect(results).toMatchObject([{}, { body: { ok: false, code: "COMMAND_KEY_UNKNOWN" } }]);
    // A forgery under the id of a true command does not keep the true one from being done.
    await commands.take(signed(order("c1")));
    expect(acted).toEqual(["c1"]);
  });

  test("for another node, or of an older form, is answered with the reason and not done", async () => {
    const { commands, acted, results } = await node();
    await commands.take(signed(order("c1", { node: "n2", kind: "restart" })));
    const { node: _, ...nameless } = order("c2", { kind: "relay" });
    await commands.take(signed(nameless));
    await commands.take(signed(order("c3", { v: 0 })));
    expect(acted).toEqual([]);
    expect(results).toMatchObject([
      { body: { commandId: "c1", code: "COMMAND_OTHER_NODE" } },
      { body: { commandId: "c2", code: "COMMAND_DOWNGRADED" } },
      { body: { commandId: "c3", code: "COMMAND_DOWNGRADED" } },
    ]);
  });

  test("of long ago does not come back to life when the clock is lost", async () => {
    const settings = new Map<string, string>();
    const known = await node(settings);
    await known.commands.take(signed(order("c1")));
    const lost = await node(settings, "none");
    await lost.commands.take(signed(order("c0", { issuedAtMs: NOW_MS - 90_000, expiresAtMs: NOW_MS - 60_000 })));
    expect(lost.acted).toEqual([]);
    expect(lost.results).toMatchObject([{ body: { code: "COMMAND_EXPIRED" } }]);
  });

  test("that was begun when the node died is not begun again: it is answered as interrupted", async () => {
    const settings = new Map<string, string>();
    const dying = await node(settings);
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    dying.answer(() => {
      begin();
      return new Promise<never>(() => {}) as never;
    });
    void dying.commands.take(signed(order("c1", { kind: "text" })));
    await begun;
    const again = await node(settings);
    expect(again.results).toMatchObject([{ body: { commandId: "c1", ok: false, code: "COMMAND_INTERRUPTED" } }]);
    await again.commands.take(signed(order("c1", { kind: "text" })));
    expect(again.acted).toEqual([]);
  });

  test("that is taken back before it came is answered so, and not done when it comes; one that was done is told as too late", async () => {
    const one = await node();
    const back = (id: string, command: string) =>
      signed(order(id, { kind: "cancel", args: { command, kind: "relay" } }));
    await one.commands.take(back("x-1", "c-1"));
    await one.commands.take(signed(order("c-1", { kind: "relay" })));
    await one.commands.take(signed(order("c-2", { kind: "relay" })));
    await one.commands.take(back("x-2", "c-2"));
    await one.commands.take(
      Buffer.from(
        JSON.stringify(
          signCommand(order("x-3", { kind: "cancel", args: { command: "c-3" } }), "k1", stranger.privateKey),
        ),
      ),
    );
    await one.commands.take(signed(order("c-3", { kind: "relay" })));
    expect(one.acted).toEqual(["c-2", "c-3"]);
    const said = one.results.map(({ body }) => body as { commandId: string; ok: boolean; code?: string });
    expect(said.map(({ commandId, ok, code }) => [commandId, ok, code])).toEqual([
      ["c-1", false, "COMMAND_CANCELLED"],
      ["x-1", true, undefined],
      ["c-2", true, undefined],
      ["x-2", false, "COMMAND_TOO_LATE"],
      ["x-3", false, "COMMAND_SIGNATURE"],
      ["c-3", true, undefined],
    ]);
  });

  test("that takes long holds up no other", async () => {
    const { commands, acted, results, answer } = await node();
    answer(() => new Promise<never>(() => {}) as never);
    void commands.take(signed(order("c1", { kind: "text" })));
    await vi.waitFor(() => expect(acted).toEqual(["c1"]));
    answer(() => ({ ok: true }));
    void commands.take(signed(order("c2")));
    await vi.waitFor(() => expect(results).toMatchObject([{ body: { commandId: "c2", ok: true } }]));
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
