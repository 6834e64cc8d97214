import { spawn, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { freePort, stopped, until } from "../fakes/rigs.ts";
import { runDevice } from "../fakes/running-device.ts";

test("shao sim jt808: its terminals register, drive, press the button, and show a text", async () => {
  const port = await freePort();
  await using device = runDevice("jt808", {
    listen: `127.0.0.1:${port}`,
    plain: false,
    terminals: {},
    acceptUnknown: true,
    authentication: "required",
    maxConnections: 10,
    maxBytesPerS: 20_000,
    idleTimeoutS: 60,
    answerTimeoutMs: 5000,
    subjectPeriodMs: 60_000,
  });
  const args = [
    "cli/shao.js",
    "sim",
    "jt808",
    "--to",
    `127.0.0.1:${port}`,
    "--count",
    "3",
    "--period",
    "500",
    "--sos",
    "2@1",
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await until(() => said.includes("\n"), 30_000);
  expect(JSON.parse(said)).toEqual({ connected: { tcp: `127.0.0.1:${port}`, kind: "jt808", terminals: 3 } });
  await until(() => device.readings.some(({ kind }) => kind === "message"), 30_000);
  const emergency = device.readings.filter((reading) => reading.kind === "message");
  expect(emergency).toMatchObject([{ type: "emergency", subjectId: "013900000002" }]);
  const ids = new Set(device.readings.map(({ subjectId }) => subjectId));
  await until(() => new Set(device.readings.map(({ subjectId }) => subjectId)).size === 3);
  expect(ids.size).toBeGreaterThan(0);
  expect(await device.command("text", { to: "13900000003", text: "收队" })).toMatchObject({ ok: true });
  await until(() => said.includes("收队"));
  await stopped(child);
});

test("shao decode jt808: readings in the words of the schema, exit 1 where a line is a fault", () => {
  const lines = [
    "7e0002000004304832546500b7ca7e",
    "7e02000033017051564189000c00000000000c00020158ff7206cd1f4c000000000123201122115639010400000000300143310114930100e3060064019a0000557e",
  ];
  const decode = (input: string) =>
    spawnSync(process.execPath, ["cli/shao.js", "decode", "jt808", "--hex"], { input, encoding: "utf8" });
  const good = decode(lines.join("\n"));
  expect(good.status).toBe(0);
  expect(JSON.parse(good.stdout)).toMatchObject({
    reading: { kind: "position", latitudeDeg: 22.609778, subject: { type: "terminal", id: "017051564189" } },
  });
  const bad = decode(lines.join("\n").replace("0158ff72", "0158ff73"));
  expect([bad.status, JSON.parse(bad.stdout)]).toMatchObject([1, { fault: { code: "JT808_CHECKSUM" } }]);
});
