import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { levelAtElapsed, parseLevelScript } from "../../cli/sim/level-script.ts";

const SHAO = ["cli/shao.js"];

function shao(args: readonly string[], input = ""): { lines: unknown[]; code: number | null; talk: string } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [...SHAO, ...args], { input, encoding: "utf8" });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { lines: lines.map((line): unknown => JSON.parse(line)), code: status, talk: stderr };
}

async function firstLine(child: ChildProcess): Promise<{ listening: { tcp: string } }> {
  if (child.stdout === null) throw new Error("no stdout");
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
  throw new Error("it ended without a word");
}

describe("shao decode", () => {
  test("modbus-noise: the frames of the makers, sentinels kept and flagged, faults with code and hint", () => {
    const frames = [
      "01 03 02 02 18 B9 2E",
      "01 03 02 02 BC B8 95",
      "01 03 02 02 BD 79 55",
      "01 03 02 7F FF D8 34",
      "01 03 02 FF FF B9 F4",
      "> 01 03 00 00 00 01 84 0A",
      "01 83 02 C0 F1",
    ];
    const { lines, code } = shao(["decode", "modbus-noise", "--hex"], frames.join("\n"));
    expect(lines).toMatchObject([
      { reading: { kind: "noise", levelDb: 53.6, quantity: "LAF", flags: [] } },
      { reading: { levelDb: 70, flags: [] } },
      { reading: { levelDb: 70.1, flags: [] } },
      { reading: { levelDb: 3276.7, flags: ["no-data"] } },
      { reading: { levelDb: 6553.5, flags: ["no-data"] } },
      { fault: { code: "MODBUS_EXCEPTION", hint: expect.any(String) } },
    ]);
    expect(code).toBe(1);
  });

  test("nmea: a fix on stdin, exit 0; a spoilt line, exit 1; no such kind, exit 64; no such file, a hint", () => {
    const fix = "$GNRMC,000653.00,A,4404.12994,N,12118.84613,W,0.052,,090624,,,A,V*08\r\n";
    expect(shao(["decode", "nmea"], fix)).toMatchObject({ code: 0, lines: [{ reading: { atMs: 1717891613000 } }] });
    expect(shao(["decode", "nmea"], fix.replace("44", "45"))).toMatchObject({
      code: 1,
      lines: [{ fault: { code: "NMEA_CHECKSUM" } }],
    });
    expect(shao(["decode", "tea"])).toMatchObject({ code: 64, lines: [] });
    const missing = shao(["decode", "nmea", "/no/such/file"]);
    expect([missing.code, missing.talk]).toEqual([1, expect.stringContaining("Hint:")]);
  });
});

describe("shao sim", () => {
  test("prints where it listens, answers there, and ends cleanly on Ctrl-C", async () => {
    const child = spawn(process.execPath, [...SHAO, "sim", "gps", "--at", "39.9,116.4", "--period", "100"]);
    const { listening } = await firstLine(child);
    const address = listening.tcp.split(":");
    const { connect } = await import("node:net");
    const socket = connect(Number(address[1]), address[0]);
    let text = "";
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.includes("GNZDA")) break;
    }
    expect(shao(["decode", "nmea"], text).lines[0]).toMatchObject({
      reading: { latitudeDeg: 39.9, longitudeDeg: 116.4 },
    });
    child.kill("SIGINT");
    const { promise, resolve } = Promise.withResolvers<number | null>();
    child.once("exit", resolve);
    expect(await promise).toBe(0);
  });

  test("wrong options are wrong usage, with what would be right", () => {
    const { code, talk } = shao(["sim", "noise", "--script", "loud"]);
    expect([code, talk]).toEqual([64, expect.stringContaining("60x120")]);
    expect(shao(["sim", "noise", "--ripple", "much"])).toMatchObject({ code: 64, talk: expect.stringContaining("dB") });
  });

  test("a level script holds its last level, or loops", () => {
    const script = parseLevelScript("60x120,85x40,-x10");
    const at = (seconds: number, loops = false) => levelAtElapsed(script, seconds * 1000, loops);
    expect([at(0), at(119), at(120), at(159), at(165), at(900)]).toEqual([60, 60, 85, 85, null, null]);
    expect([at(170, true), at(300, true)]).toEqual([60, 85]);
  });
});
