import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "./source-tree.ts";

/** Follows CONTRIBUTING's five steps in a copy of the repository, as they are written. */
const LEFT_OUT = new Set(["node_modules", ".git", ".cache", "state"]);

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shao-newcomer-"));
  cpSync(ROOT, folder, { recursive: true, filter: (path) => !LEFT_OUT.has(relative(ROOT, path)) });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const steps = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
  const blocks = [...steps.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)];
  expect(blocks.map(([, path]) => path)).toContain("drivers/registry.ts");
  for (const [, path = "", text = ""] of blocks) {
    if (path === "drivers/registry.ts") addToRegistry(text);
    else {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function addToRegistry(entry: string): void {
  const path = join(folder, "drivers/registry.ts");
  const before = readFileSync(path, "utf8");
  const after = before.replace(/^\];$/m, `${entry}];`);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
}

function runs(command: string): { status: number | null; output: string } {
  const path = `${dirname(process.execPath)}:${join(ROOT, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`;
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, PATH: path, SHAO_TEST_REPORT: undefined, SHAO_LONG: undefined },
  });
  return { status, output: status === 0 ? "" : stdout + stderr };
}

test("the driver of CONTRIBUTING is formatted, keeps the import rules and has no wrong type", () => {
  expect(runs("biome check --error-on-warnings drivers test/drivers")).toEqual({ status: 0, output: "" });
  expect(runs("tsc -p .")).toEqual({ status: 0, output: "" });
}, 400_000);

test("its test and the registry's pass, and a config may name it", () => {
  expect(runs("vitest run test/drivers/dust-modbus test/drivers/registry.test.ts")).toEqual({ status: 0, output: "" });
  const config = readFileSync(join(folder, "config/site.yaml"), "utf8").replace(
    /^devices:$/m,
    "devices:\n  dust: { driver: dust-modbus, bus: rs485, unit: 2 }",
  );
  writeFileSync(join(folder, "dusty.yaml"), config);
  expect(runs("node cli/shao.js check dusty.yaml")).toEqual({ status: 0, output: "" });
}, 400_000);
