import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Driver } from "../../../drivers/driver.ts";
import type { DriverError } from "../../../drivers/errors.ts";
import type { Jt808Config } from "../../../drivers/jt808/config.ts";
import { jt808 } from "../../../drivers/jt808/driver.ts";
import { gbkText } from "../../../drivers/jt808/gbk.ts";
import { MESSAGE } from "../../../drivers/jt808/messages.ts";
import { startTerminal } from "../../../drivers/jt808/simulator.ts";
import { freePort, until } from "../../fakes/rigs.ts";
import { type RunningDevice, runDevice } from "../../fakes/running-device.ts";
import { batchBody, locationBody, PHONE, withBytes } from "./frames.ts";
import { type RawTerminal, rawTerminal } from "./raw-terminal.ts";

interface Watched extends RunningDevice {
  readonly faults: readonly DriverError[];
}

const running: Watched[] = [];
const terminals: RawTerminal[] = [];
afterEach(async () => {
  for (const terminal of terminals.splice(0)) terminal.close();
  for (const device of running.splice(0)) await device[Symbol.asyncDispose]();
});

async function server(changes: Partial<Jt808Config> = {}): Promise<{ port: number; device: Watched }> {
  const port = await freePort();
  const faults: DriverError[] = [];
  const watched: Driver<typeof jt808.config> = {
    ...jt808,
    run(config, context) {
      const fault: typeof context.fault = (error, subject) => {
        faults.push(error);
        context.fault(error, subject);
      };
      return jt808.run(config, { ...context, fault });
    },
  };
  const served = runDevice(watched, {
    listen: `127.0.0.1:${port}`,
    plain: false,
    terminals: { "13912345678": {} },
    acceptUnknown: false,
    authentication: "required",
    maxConnections: 100,
    maxBytesPerS: 20_000,
    idleTimeoutS: 300,
    answerTimeoutMs: 2000,
    subjectPeriodMs: 60_000,
    ...changes,
  } satisfies Jt808Config);
  const device: Watched = { ...served, faults, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() };
  running.push(device);
  return { port, device };
}

async function joined(port: number, phone?: string, edition?: "2013" | "2019"): Promise<RawTerminal> {
  const terminal = await sooner(() => rawTerminal(port, phone, edition));
  terminals.push(terminal);
  return terminal;
}

/** Tries again as long as nobody listens yet. */
async function sooner<T>(open: () => Promise<T>): Promise<T> {
  for (let left = 300; ; left--) {
    try {
      return await open();
    } catch (error) {
      if (left === 0) throw error;
      await wait(20);
    }
  }
}

const report = (more: Parameters<typeof locationBody>[0] = {}) => locationBody({ atMs: Date.now(), ...more });
const faultsOf = (device: Watched) => device.faults.map(({ code }) => code);
const emergencies = (device: Watched) =>
  device.readings.filter((reading) => reading.kind === "message" && reading.type === "emergency");

describe("a terminal", () => {
  test.each(["2013", "2019"] as const)("of %s registers, authenticates, beats, reports and leaves", async (edition) => {
    const { port, device } = await server();
    const terminal = await joined(port, edition === "2019" ? PHONE.padStart(20, "0") : PHONE, edition);
    await terminal.enter();
    expect(terminal.answers[0]).toMatchObject({ messageId: MESSAGE.registerAck, edition });
    terminal.send(MESSAGE.heartbeat, new Uint8Array());
    expect(await terminal.answer()).toBe("8001 0002 0");
    terminal.send(MESSAGE.location, report({ latitudeDeg: 39.9, speedMps: 10 }));
    expect(await terminal.answer()).toBe("8001 0200 0");
    expect(device.readings).toMatchObject([
      { kind: "position", latitudeDeg: 39.9, speedMps: 10, fix: "gnss", subjectId: "013912345678" },
    ]);
    terminal.send(MESSAGE.logout, new Uint8Array());
    expect(await terminal.answer()).toBe("8001 0003 0");
    await until(() => terminal.isClosed());
    expect(device.state()).toBe("online");
  });

  test("keeps its code over restarts of the server", async () => {
    const codes: string[] = [];
    for (const turn of [1, 2]) {
      const { port } = await server();
      const terminal = await joined(port);
      await terminal.enter();
      codes.push(Buffer.from(terminal.answers[0]?.body.subarray(3) ?? []).toString());
      expect(codes).toHaveLength(turn);
    }
    expect(codes[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(codes[1]).toBe(codes[0]);
  });

  test("with a wrong code is refused, and so is what it says before it has authenticated", async () => {
    const { port, device } = await server();
    const terminal = await joined(port);
    terminal.send(MESSAGE.location, report());
    expect(await terminal.answer()).toBe("8001 0200 1");
    terminal.send(MESSAGE.authenticate, Buffer.from("0000"));
    expect(await terminal.answer()).toBe("8001 0102 1");
    expect(device.readings).toEqual([]);
    expect(faultsOf(device)).toEqual(["JT808_NOT_AUTHENTICATED", "JT808_AUTHENTICATION"]);
  });

  test("that reports at once is heard where that is allowed", async () => {
    const { port, device } = await server({ authentication: "off" });
    const terminal = await joined(port);
    terminal.send(MESSAGE.location, report());
    expect(await terminal.answer()).toBe("8001 0200 0");
    expect(device.readings).toHaveLength(1);
  });

  test("that is not listed is refused by 8100 and by 8001, unless unknown ones are accepted", async () => {
    const { port, device } = await server();
    const stranger = await joined(port, "013999999999");
    stranger.send(MESSAGE.register, new Uint8Array(40));
    expect(await stranger.answer()).toBe("8100 4");
    stranger.send(MESSAGE.location, report());
    expect(await stranger.answer()).toBe("8001 0200 1");
    expect(faultsOf(device)).toEqual(["JT808_UNKNOWN_TERMINAL", "JT808_UNKNOWN_TERMINAL"]);
    expect(device.readings).toEqual([]);
    const open = await server({ acceptUnknown: true });
    const welcome = await joined(open.port, "013999999999");
    await welcome.enter();
  });

  test("that sends what we do not know hears so: result 3, and result 2 for a message that is broken", async () => {
    const { port } = await server();
    const terminal = await joined(port);
    await terminal.enter();
    terminal.send(0x0900, new Uint8Array(3));
    expect(await terminal.answer()).toBe("8001 0900 3");
    terminal.send(MESSAGE.location, new Uint8Array(5));
    expect(await terminal.answer()).toBe("8001 0200 2");
    terminal.send(MESSAGE.heartbeat, new Uint8Array());
    expect(await terminal.answer()).toBe("8001 0002 0");
  });

  test("that connects twice: the newer connection is used, the older one closed, and it is said", async () => {
    const { port, device } = await server();
    const older = await joined(port);
    await older.enter();
    const newer = await joined(port);
    await newer.enter();
    await until(() => older.isClosed());
    expect(faultsOf(device)).toEqual(["JT808_TAKEN_OVER"]);
    newer.send(MESSAGE.location, report());
    expect(await newer.answer()).toBe("8001 0200 0");
    const asked = device.command("text", { to: "13912345678", text: "到" });
    await until(() => newer.answers.at(-1)?.messageId === MESSAGE.text);
    newer.send(MESSAGE.terminalAck, Uint8Array.from([0, newer.answers.at(-1)?.serial ?? 0, 0x83, 0, 0]));
    expect(await asked).toMatchObject({ ok: true });
  });
});

describe("an emergency", () => {
  test("is one as long as its bit stays, is confirmed with result 4, and is a new one after it was cleared", async () => {
    const { port, device } = await server();
    const terminal = await joined(port);
    await terminal.enter();
    for (const [alarmBits, answer] of [
      [1, 4],
      [1, 4],
      [0, 0],
      [1, 4],
    ] as const) {
      terminal.send(MESSAGE.location, report({ alarmBits }));
      expect(await terminal.answer()).toBe(`8001 0200 ${answer}`);
    }
    expect(emergencies(device)).toHaveLength(2);
    expect(device.readings.map(({ kind }) => kind)).toEqual([
      "position",
      "message",
      "position",
      "position",
      "position",
      "message",
    ]);
  });

  test("survives a reconnect, needs no fix, and two terminals at the same second are two", async () => {
    const { port, device } = await server({ acceptUnknown: true });
    const first = await joined(port);
    await first.enter();
    const second = await joined(port, "013900000002");
    await second.enter();
    first.send(MESSAGE.location, withBytes(report({ alarmBits: 1 }), 7, [0]));
    second.send(MESSAGE.location, withBytes(report({ alarmBits: 1 }), 7, [0]));
    expect([await first.answer(), await second.answer()]).toEqual(["8001 0200 4", "8001 0200 4"]);
    first.close();
    const again = await joined(port);
    await again.enter();
    again.send(MESSAGE.location, report({ alarmBits: 1 }));
    await again.answer();
    expect(
      emergencies(device)
        .map(({ subjectId }) => subjectId)
        .toSorted(),
    ).toEqual(["013900000002", "013912345678"]);
  });
});

describe("kept reports", () => {
  test("keep their own time; one that belongs nowhere is told and not made up", async () => {
    const { port, device } = await server();
    const terminal = await joined(port);
    await terminal.enter();
    const agoMs = 3_600_000;
    const now = Math.floor(Date.now() / 1000) * 1000;
    const kept = [2, 1].map((times) => report({ atMs: now - times * agoMs }));
    terminal.send(MESSAGE.batch, batchBody(1, [...kept, report({ atMs: now + 86_400_000 })]));
    expect(await terminal.answer()).toBe("8001 0704 0");
    expect(device.readings.map(({ atMs }) => atMs)).toEqual([now - 2 * agoMs, now - agoMs]);
    expect(faultsOf(device)).toEqual(["JT808_CLOCK"]);
  });

  test("call for help even where their clock is none, and plot nothing", async () => {
    const { port, device } = await server();
    const terminal = await joined(port);
    await terminal.enter();
    const undated = withBytes(report({ alarmBits: 1 }), 22, [0, 0, 0, 0, 0, 0]);
    terminal.send(MESSAGE.batch, batchBody(1, [undated, withBytes(undated, 7, [0])]));
    expect(await terminal.answer()).toBe("8001 0704 0");
    expect(emergencies(device).length).toBeGreaterThanOrEqual(1);
    expect(device.readings.some(({ kind }) => kind === "position")).toBe(false);
  });

  test("a live report with a clock that is ahead counts when it came", async () => {
    const { port, device } = await server();
    const terminal = await joined(port);
    await terminal.enter();
    terminal.send(MESSAGE.location, report({ atMs: Date.now() + 86_400_000 }));
    await terminal.answer();
    expect(device.readings).toHaveLength(1);
    expect(Math.abs((device.readings[0]?.atMs ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(device.readings[0]).not.toHaveProperty("fixAtMs");
  });
});

describe("a text", () => {
  test("goes out in GBK and is done when the terminal says so", async () => {
    const { port, device } = await server();
    const texts: string[] = [];
    const options = { port, phone: PHONE, edition: "2019" as const, placeAt: () => undefined };
    const terminal = await sooner(() => startTerminal({ ...options, onText: (text) => texts.push(text) }));
    await terminal.ready;
    expect(await device.command("text", { to: "13912345678", text: "请速到光华路7号" })).toEqual({
      ok: true,
      value: { to: "013912345678" },
    });
    expect(texts).toEqual(["请速到光华路7号"]);
    await terminal.close();
  });

  test("is refused in words: nobody there, no GBK, no answer, or the terminal's own no", async () => {
    const { port, device } = await server({ answerTimeoutMs: 300 });
    const to = { type: "terminal", id: "013912345678" };
    await joined(port);
    expect(await device.command("text", { to, text: "到" })).toMatchObject({ ok: false, code: "JT808_AWAY" });
    const terminal = await joined(port);
    await terminal.enter();
    expect(await device.command("text", { to, text: "😀" })).toMatchObject({ code: "JT808_TEXT" });
    expect(await device.command("text", { text: "到" })).toMatchObject({ code: "JT808_COMMAND" });
    expect(await device.command("relay", { to, text: "到" })).toMatchObject({ code: "JT808_COMMAND" });
    expect(await device.command("text", { to, text: "到" })).toMatchObject({ code: "JT808_REFUSED" });
    const asked = device.command("text", { to, text: "到", urgent: true });
    await until(() => terminal.answers.filter(({ messageId }) => messageId === MESSAGE.text).length === 2);
    const text = terminal.answers.at(-1);
    expect(text?.body[0]).toBe(0b1101);
    expect(gbkText(text?.body.subarray(1) ?? new Uint8Array())).toBe("到");
    terminal.send(MESSAGE.terminalAck, Uint8Array.from([0, text?.serial ?? 0, 0x83, 0, 3]));
    expect(await asked).toMatchObject({ code: "JT808_REFUSED", message: expect.stringContaining("not supported") });
  });
});

describe("others are not disturbed", () => {
  test("by rubbish, by a flood, or by one connection too many", async () => {
    const { port, device } = await server({ acceptUnknown: true, maxConnections: 3, maxBytesPerS: 1000 });
    const flood = await joined(port, "013900000009");
    await flood.enter();
    const rubbish = await joined(port);
    flood.write(new Uint8Array(2_000_000).fill(0x7e));
    rubbish.write(new Uint8Array(3000).fill(0x55));
    const good = await joined(port);
    await good.enter();
    const fourth = await joined(port);
    await until(() => fourth.isClosed());
    for (let turn = 0; turn < 5; turn++) {
      good.send(MESSAGE.location, report());
      expect(await good.answer()).toBe("8001 0200 0");
    }
    expect(device.readings).toHaveLength(5);
    await until(() => faultsOf(device).includes("JT808_FLOOD"));
    expect(faultsOf(device)).toContain("JT808_CROWDED");
  });

  test("a connection that says nothing is closed", async () => {
    const { port } = await server({ idleTimeoutS: 1 });
    const quiet = await joined(port);
    await quiet.enter();
    await until(() => quiet.isClosed());
  });

  test("a connection that changes its number is refused", async () => {
    const { port, device } = await server({ acceptUnknown: true });
    const terminal = await joined(port);
    await terminal.enter();
    terminal.send(MESSAGE.heartbeat, new Uint8Array(), { phone: "013900000001" });
    expect(await terminal.answer()).toBe("8001 0002 1");
    expect(faultsOf(device)).toEqual(["JT808_PHONE_CHANGED"]);
  });
});

describe("the config", () => {
  const check = (listen: string, plain: boolean) => jt808.check?.({ listen, plain } as Jt808Config) ?? [];

  test("listens off loopback only with consent", () => {
    expect(check("127.0.0.1:7611", false)).toEqual([]);
    expect(check("[::1]:7611", false)).toEqual([]);
    expect(check("0.0.0.0:7611", false)).toMatchObject([
      { pointer: "/listen", hint: expect.stringContaining("plain") },
    ]);
    expect(check("10.1.2.3:7611", true)).toEqual([]);
    expect(check("127.0.0.1:99999", true)).toHaveLength(1);
  });
});
