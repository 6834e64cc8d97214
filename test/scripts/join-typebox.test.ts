import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "../repo/source-tree.ts";

let modules = "";
const place = (...path: string[]) => join(modules, "typebox", ...path);
const manifest = () => JSON.parse(readFileSync(place("package.json"), "utf8"));

/** A package as npm installs it. */
beforeEach(() => {
  modules = join(mkdtempSync(join(tmpdir(), "shao-join-")), "node_modules");
  cpSync(join(ROOT, "node_modules/typebox"), place(), { recursive: true });
  rmSync(place("joined"), { recursive: true, force: true });
  const names = Object.keys(manifest().exports);
  const exports = Object.fromEntries(
    names.map((name) => {
      const path = `./${join("build", name, "index.mjs")}`;
      return [name, { import: path, default: path }];
    }),
  );
  writeFileSync(place("package.json"), JSON.stringify({ ...manifest(), exports }));
});
afterEach(() => rmSync(join(modules, ".."), { recursive: true, force: true }));

function joined(...options: string[]) {
  const run = spawnSync(process.execPath, [join(ROOT, "scripts/join-typebox.ts"), modules, ...options], {
    encoding: "utf8",
  });
  return { status: run.status, said: run.stdout + run.stderr };
}

const USE = `
  import { registerHooks } from "node:module";
  let files = 0;
  registerHooks({ load: (url, context, next) => ((files += url.includes("/typebox/") ? 1 : 0), next(url, context)) });
  const { Type } = await import("typebox");
  const { Value } = await import("typebox/value");
  const { Compile } = await import("typebox/compile");
  const schema = Type.Object({ levelDb: Type.Number({ minimum: 0 }), flags: Type.Array(Type.Union([Type.Literal("a"), Type.String({ pattern: "^x" })])) });
  const documents = [{ levelDb: 71.5, flags: ["a", "xy"] }, { levelDb: -1, flags: ["b"] }, { flags: [] }, null];
  const check = Compile(schema);
  const answers = documents.map((one) => [Value.Check(schema, one), check.Check(one), [...Value.Errors(schema, one)]]);
  console.log(JSON.stringify({ files, answers }));
`;

function used(): { readonly files: number; readonly answers: unknown } {
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", USE], {
    cwd: join(modules, ".."),
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

test("joined, it answers as before, from a few files instead of hundreds", () => {
  const before = used();
  expect(before.files).toBeGreaterThan(500);
  const no = [false, false, [expect.objectContaining({ message: expect.stringContaining("must ") })]];
  expect(before.answers).toEqual([[true, true, []], [false, false, expect.any(Array)], no, no]);
  expect(joined()).toEqual({ status: 0, said: expect.stringMatching(/^typebox [\d.]+ is joined\n$/) });
  const after = used();
  expect(after.files).toBeLessThan(15);
  expect(after.answers).toEqual(before.answers);
  // Types stay where they are, and what is joined is not joined again.
  for (const { types } of Object.values<{ types: string }>(manifest().exports))
    expect(existsSync(place(types))).toBe(true);
  const files = readdirSync(place("joined"));
  expect(joined().status).toBe(0);
  expect(readdirSync(place("joined"))).toEqual(files);
});

test("alone, it is what a box needs and no more", () => {
  const before = used();
  expect(joined("--alone").status).toBe(0);
  expect(existsSync(place("build"))).toBe(false);
  expect(readdirSync(place())).toContain("license");
  expect(used().answers).toEqual(before.answers);
});

test("a folder without the package is wrong usage", () => {
  rmSync(place(), { recursive: true });
  expect(joined()).toMatchObject({ status: 64, said: expect.stringContaining("usage:") });
});
