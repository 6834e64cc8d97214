import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./source-tree.ts";

/** Prints each module that is loaded, before any of it runs. */
const HOOKS = `
  import { registerHooks } from "node:module";
  registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
`;

/** Modules that a program loads at its start; it may end badly after that, outside the process that it is made for. */
function loadedBy(program: string): readonly string[] {
  const hooks = `--import=data:text/javascript,${encodeURIComponent(HOOKS)}`;
  const run = spawnSync(process.execPath, [hooks, join(ROOT, program)], { encoding: "utf8", timeout: 30_000 });
  const { stdout, stderr, status, signal } = run;
  if (!stdout.includes(program))
    throw new Error(`${program} was not loaded: ${status ?? signal} ${stderr} ${run.error}`);
  return stdout.split("\n").filter((url) => url !== "");
}

/** One value imported from a module of schemas is enough to load all of them: 5 to 10 MB, each time a process starts. */
test.each([
  ["gateway/vision/inference/child.ts", "/onnxruntime-node/"],
  ["gateway/journal/worker.ts", "/better-sqlite3/"],
])("%s loads nothing that reads or checks documents", (program, its) => {
  const loaded = loadedBy(program);
  expect(loaded.some((url) => url.includes(its))).toBe(true);
  expect(loaded.filter((url) => /\/node_modules\/(typebox|yaml)\/|\/protocol\/document\//.test(url))).toEqual([]);
});

test("what reads and checks documents comes in few files, since each costs 20 KB: see ADR 018", () => {
  const files = loadedBy("gateway/main.ts").filter((url) => url.includes("/node_modules/typebox/"));
  expect(files.length).toBeGreaterThan(0);
  expect(files.length).toBeLessThan(15);
});
