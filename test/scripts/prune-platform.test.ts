import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../repo/source-tree.ts";

const OTHERS = /darwin|win32|android|musl/;

let folder = "";
let said = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shao-prune-"));
  const real = [
    ...["better-sqlite3", "@serialport/bindings-cpp", "node-gyp-build", "node-addon-api", "debug", "ms"],
    ...["@serialport/bindings-interface", "@serialport/parser-readline", "@serialport/parser-delimiter"],
  ];
  for (const name of real) {
    cpSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
  }
  // The layout of onnxruntime-node's package, whose builds are 200 MB.
  for (const place of ["linux/x64", "linux/arm64", "darwin/arm64", "win32/x64"]) {
    const bin = join(folder, "node_modules/onnxruntime-node/bin/napi-v6", place);
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "onnxruntime_binding.node"), "");
  }
  const script = join(ROOT, "scripts/prune-platform.ts");
  const run = spawnSync(process.execPath, [script, "node_modules"], { cwd: folder, encoding: "utf8" });
  expect(run.stderr).toBe("");
  said = run.stdout;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function builds(): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".node"));
}

test("of the native builds only this platform's stay", () => {
  expect(builds().filter((path) => OTHERS.test(path.replace(folder, "")))).toEqual([]);
  expect(builds()).toHaveLength(3);
  expect(builds().every((path) => path.includes(process.arch))).toBe(true);
  expect(said).toMatch(new RegExp(`^kept the builds for ${process.platform}-${process.arch}, freed \\d\\d MB\\n$`));
});

test("the native modules still load from what is left", () => {
  const script = `
    const Database = require("better-sqlite3");
    const { autoDetect } = require("@serialport/bindings-cpp");
    console.log(new Database(":memory:").prepare("select sqlite_version() v").get().v, typeof autoDetect().open);
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8" });
  expect({ stdout, stderr }).toEqual({ stdout: expect.stringMatching(/^3\.\d+\.\d+ function\n$/), stderr: "" });
});

test("a folder that is not there is wrong usage", () => {
  const script = join(ROOT, "scripts/prune-platform.ts");
  const { status, stderr } = spawnSync(process.execPath, [script, "nowhere"], { cwd: folder, encoding: "utf8" });
  expect(status).toBe(64);
  expect(stderr).toContain("usage:");
});
