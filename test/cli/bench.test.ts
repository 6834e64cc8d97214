import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url).pathname;
const shao = (...args: string[]) =>
  spawnSync(process.execPath, ["cli/shao.js", "bench", ...args], { cwd: root, encoding: "utf8" });

test("a benchmark that does not exist is a wrong usage, and the answer names those that do", () => {
  const { status, stderr } = shao("speed");
  expect(status).toBe(64);
  expect(stderr).toContain("gateway-memory");
});

test("the help names every benchmark, and each is there", () => {
  const { status, stdout } = shao("--help");
  expect(status).toBe(0);
  const names = [...stdout.matchAll(/^ {2}([a-z][a-z-]+) {2,}\S/gm)].map(([, name]) => name);
  expect(names).toEqual(expect.arrayContaining(["latency", "gateway-memory", "ingest", "start"]));
  for (const name of ["gateway-memory", "ingest", "start"])
    expect(existsSync(`${root}bench/${name}.ts`), name).toBe(true);
});

test("a benchmark of several parts lists them, and refuses one that it does not have", () => {
  const listed = shao("custody", "--help");
  expect(listed.status).toBe(0);
  for (const part of ["journal", "drain", "alarm", "flash", "start", "peers"])
    expect(listed.stderr).toContain(`  ${part}`);
  const refused = shao("custody", "--only", "journal,speed");
  expect(refused.status).toBe(64);
  expect(refused.stderr).toContain("no part is called speed");
});

test("a benchmark without options of its own refuses any", () => {
  expect(shao("start", "--only", "journal").status).toBe(64);
});
