import { setTimeout as wait } from "node:timers/promises";
import { Value } from "typebox/value";
import { afterAll, describe, expect, test } from "vitest";
import { openPtyPair } from "../../../cli/sim/pty-pair.ts";
import { type TetraPeiConfig, tetraPeiConfig } from "../../../drivers/tetra-pei/config.ts";
import { tetraPei } from "../../../drivers/tetra-pei/driver.ts";
import { type RadioFaults, type RadioSimulator, startRadioSimulator } from "../../../drivers/tetra-pei/simulator.ts";
import { needRigs, scratchFolder, until } from "../../fakes/rigs.ts";
import { type RunningDevice, runDevice } from "../../fakes/running-device.ts";

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const LI = "2345678";
const WANG = "2345679";
const FIX = { latitudeDeg: 39.912, longitudeDeg: 116.456, speedMps: 5, bearingDeg: 90, reason: 129 };

function configOf(own: Partial<TetraPeiConfig>): unknown {
  return Value.Default(tetraPeiConfig, { periodMs: 1000, timeoutMs: 1000, ...own });
}

async function rig(faults: RadioFaults = {}, own: Partial<TetraPeiConfig> = {}) {
  const radio = await startRadioSimulator({ listen: { tcp: {} }, issi: "1000001", handsets: [LI, WANG], faults });
  const device = runDevice("tetra-pei", configOf({ tcp: `127.0.0.1:${radio.port}`, ...own }));
  await until(() => device.state() === "online");
  return {
    radio,
    device,
    async [Symbol.asyncDispose]() {
      await device[Symbol.asyncDispose]();
      await radio.close();
    },
  };
}

function of(device: RunningDevice, kind: string) {
  return device.readings.filter((reading) => reading.kind === kind);
}

describe("TETRA radio", () => {
  test("is told what to hand over, one command at a time, and says its signal", async () => {
    await using site = await rig();
    await until(() => of(site.device, "measurement").length > 0);
    expect(site.radio.commands.slice(0, 11)).toEqual([
      "ATE0",
      "AT+CTOM=0",
      "AT+CTSP=1,3,10",
      "AT+CTSP=1,3,131",
      "AT+CTSP=1,3,130",
      "AT+CTSP=1,3,138",
      "AT+CTSP=1,3,3",
      "AT+CTSP=1,2,20",
      "AT+CTSP=2,0,0",
      "AT+CTSP=1,1,11",
      "AT+CTSDC=0,0,0,1,1,0,1,1,0,0",
    ]);
    expect(of(site.device, "measurement")[0]).toMatchObject({ quantity: "radio-signal", unit: "dBm", value: -69 });
  });

  test("texts, statuses, places and calls of two handsets are each told of its handset", async () => {
    await using site = await rig({}, { emergencyStatusCodes: [0, 0x8004] });
    site.radio.text(LI, "到达现场");
    site.radio.status(WANG, 0x8002);
    site.radio.status(WANG, 0x8004);
    site.radio.locate(LI, FIX);
    site.radio.locate(WANG, { ...FIX, latitudeDeg: 39.95, reason: 2 });
    site.radio.locate(LI, { reason: 2 });
    await until(() => of(site.device, "message").length >= 5);
    const told = site.device.readings.filter(({ kind }) => kind !== "measurement");
    expect(told.map(({ subjectId, kind, ...rest }) => [subjectId, kind, "type" in rest ? rest.type : ""])).toEqual([
      [LI, "message", "text"],
      [WANG, "message", "status"],
      [WANG, "message", "emergency"],
      [LI, "position", ""],
      [WANG, "position", ""],
      [WANG, "message", "emergency"],
      [LI, "message", "emergency"],
    ]);
    expect(told[0]).toMatchObject({ text: "到达现场", to: { type: "issi", id: "1000001" } });
    expect(told[5]).toHaveProperty("position.latitudeDeg", expect.closeTo(39.95, 4));
    expect(told[6]).not.toHaveProperty("position");
  });

  test("a text is proven by its handset's report, in one part or many, Chinese or not", async () => {
    await using site = await rig();
    expect(await site.device.command("text", { to: LI, text: "收到请回答" })).toEqual({
      ok: true,
      value: { to: LI, proof: "received", parts: 1 },
    });
    const long = "光华路工地夜间施工噪声超标。".repeat(20);
    const outcome = await site.device.command("text", {
      to: { type: "issi", id: WANG },
      text: long,
      proof: "consumed",
    });
    expect(outcome).toMatchObject({ ok: true, value: { to: WANG, proof: "consumed" } });
    const texts = site.radio.sent.filter(({ to }) => to === WANG).map(({ text }) => text);
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.join("")).toBe(long);
  });

  test("a text to a handset that does not report is not called delivered; to a group it may be sent without proof", async () => {
    await using site = await rig({}, { proofWithinMs: 1000 });
    expect(await site.device.command("text", { to: "999", text: "hello" })).toMatchObject({
      ok: false,
      code: "RADIO_NOT_PROVEN",
    });
    expect(await site.device.command("text", { to: "999", text: "hello", proof: "none" })).toMatchObject({ ok: true });
  });

  test("a handset that cannot take the text says so, and the command fails with it", async () => {
    await using site = await rig();
    const outcome = site.device.command("text", { to: "999", text: "hello" });
    await until(() => site.radio.sent.length > 0);
    const reference = site.radio.sent[0]?.bytes[2] ?? 0;
    site.radio.say(`+CTSDSR: 12,999,0,1000001,0,32\r\n82104B${reference.toString(16).padStart(2, "0")}`);
    expect(await outcome).toMatchObject({ ok: false, code: "RADIO_NOT_DELIVERED" });
  });

  test("a status goes out; what makes no sense is refused with an example", async () => {
    await using site = await rig();
    expect(await site.device.command("status", { to: LI, code: 0x8005 })).toMatchObject({ ok: true });
    expect(site.radio.sent.map(({ statusCode }) => statusCode)).toEqual([0x8005]);
    for (const args of [
      {},
      { to: "x", text: "a" },
      { to: LI, text: "" },
      { to: LI, text: "\ud800" },
      { to: LI, text: 5 },
    ]) {
      expect(await site.device.command("text", args)).toMatchObject({ ok: false, code: "COMMAND_ARGUMENTS" });
    }
    expect(await site.device.command("status", { to: LI, code: 70_000 })).toMatchObject({ code: "COMMAND_ARGUMENTS" });
    expect(await site.device.command("relay", {})).toMatchObject({ code: "COMMAND_UNSUPPORTED" });
  });

  test("a sender that asks for it hears that its text was received, and that it was consumed", async () => {
    await using site = await rig();
    site.radio.text(LI, "reached", "received");
    site.radio.text(WANG, "seen", "consumed");
    await until(() => site.radio.sent.length >= 2);
    expect(site.radio.sent.map(({ to, bytes }) => [to, Buffer.from(bytes).toString("hex")])).toEqual([
      [LI, "82100000"],
      [WANG, "82100201"],
    ]);
  });

  test("busy, echoing, chattering: everything is sent all the same, once and in order", async () => {
    await using site = await rig({ busyTimes: 1, alwaysEchoes: true, chatters: true }, { busyForMs: 20_000 });
    const texts = ["one", "two", "three"];
    await Promise.all(texts.map((text) => site.device.command("text", { to: LI, text, proof: "none" })));
    await until(() => site.radio.sent.length >= 3);
    expect(site.radio.sent.map(({ text }) => text)).toEqual(texts);
  });

  for (const isSilent of [false, true]) {
    test(`after a restart that it ${isSilent ? "does not tell" : "tells"} the radio is told everything again`, async () => {
      await using site = await rig();
      site.radio.restart({ isSilent });
      site.radio.status(LI, 1);
      await until(() => site.radio.commands.filter((command) => command === "AT+CTSP=1,2,20").length >= 2);
      await until(() => {
        site.radio.status(LI, 2);
        return of(site.device, "message").length > 0;
      });
      expect(of(site.device, "message")[0]).toMatchObject({ statusCode: 2 });
      expect(site.device.health.some(({ body }) => body.state === "offline")).toBe(false);
    });
  }

  test("a radio that no longer answers is offline by that name, and comes back by itself", async () => {
    await using site = await rig({}, { timeoutMs: 300 });
    site.radio.restart({ forMs: 8000 });
    await until(() => site.device.health.some(({ body }) => body.code === "RADIO_NO_ANSWER"));
    await until(() => site.device.state() === "online");
    site.radio.status(LI, 3);
    await until(() => of(site.device, "message").length > 0);
  });

  test("a radio without its network is silent, its health says why, and a text is refused as such", async () => {
    await using site = await rig({}, { timeoutMs: 500 });
    site.radio.setRegistered(false);
    expect(await site.device.command("text", { to: LI, text: "x" })).toMatchObject({ code: "RADIO_OUT_OF_SERVICE" });
    await until(() => site.device.state() === "silent");
    expect(site.device.health.at(-1)?.body.code).toBe("RADIO_NOT_REGISTERED");
    site.radio.setRegistered(true);
    await until(() => site.device.state() === "online");
  });

  test("on a serial line: a radio powered on late is found", async (context) => {
    needRigs(context, "socat");
    const pair = await openPtyPair(`${scratch.path}/radio`);
    await using device = runDevice("tetra-pei", configOf({ serial: pair.path, timeoutMs: 300 }));
    await wait(1500);
    expect(device.state()).not.toBe("online");
    const radio: RadioSimulator = await startRadioSimulator({
      listen: { serial: pair.devicePath },
      issi: "1",
      handsets: [LI],
    });
    try {
      await until(() => device.state() === "online");
      expect(await device.command("text", { to: LI, text: "早到" })).toMatchObject({ ok: true });
    } finally {
      await radio.close();
      await pair.close();
    }
  });

  test("neither and both ways to the radio are refused by name", () => {
    const base = Value.Default(tetraPeiConfig, {}) as TetraPeiConfig;
    expect(tetraPei.check?.(base)).toHaveLength(1);
    expect(tetraPei.check?.({ ...base, serial: "/dev/x", tcp: "a:1" })).toHaveLength(1);
    expect(tetraPei.check?.({ ...base, tcp: "a:1" })).toEqual([]);
  });
});
