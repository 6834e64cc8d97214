import { basename } from "node:path";
import { expect, test } from "vitest";
import { counted, filesUnder, SOURCE_FOLDERS } from "./source-tree.ts";

const CODE = [".ts", ".tsx", ".js", ".css"];
const MAX_LINES = 400;

const source = counted("source files", filesUnder(SOURCE_FOLDERS, CODE));
const tests = counted("test files", filesUnder(["test"], [".ts", ".tsx"]));
const code = [...source, ...tests];

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const long = code
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  expect(long).toEqual([]);
});

test("files are named in kebab-case after the thing inside, never utils, helpers or index", () => {
  const odd = code
    .map(({ path }) => path)
    .filter((path) => {
      const [stem = ""] = basename(path).split(".");
      return (
        !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem) || ["utils", "util", "helpers", "helper", "index", "misc"].includes(stem)
      );
    });
  expect(odd).toEqual([]);
});

test("nothing is exported by default, except where a tool asks for it", () => {
  const defaults = code.filter(
    ({ path, text }) => !/(vite|vitest)\.config\.ts$/.test(path) && /^export default\b/m.test(text),
  );
  expect(defaults.map(({ path }) => path)).toEqual([]);
});

test("no check of types or lint is silenced without a reason", () => {
  const silenced = code.flatMap(({ path, text }) =>
    [
      ...text.matchAll(/@ts-(?:ignore|nocheck|expect-error)(?!: \S)|biome-ignore(?:-all|-start)? [\w/]+(?!\S*: \S)/g),
    ].map(([mark]) => `${path}: ${mark}`),
  );
  expect(silenced).toEqual([]);
});

test("a test lives under test/, and none is left alone or switched off without a reason", () => {
  expect(source.filter(({ path }) => /\.test\.tsx?$/.test(path)).map(({ path }) => path)).toEqual([]);
  const switched = tests.flatMap(({ path, text }) =>
    [...text.matchAll(/\b(?:test|it|describe)\.(?:only|skip|todo)\(|\.skip\(\s*\)/g)].map(
      ([mark]) => `${path}: ${mark}`,
    ),
  );
  expect(switched).toEqual([]);
});

test("a trace says which device it is from, who recorded it and what it covers", () => {
  const traces = filesUnder(["test/traces", "drivers"], [".trace", ".hex"]);
  process.stderr.write(`traces: ${traces.length} files\n`);
  const bare = traces.filter(
    ({ text }) => !["# device:", "# origin:", "# covers:"].every((mark) => text.includes(mark)),
  );
  expect(bare.map(({ path }) => path)).toEqual([]);
});

test("ONNX Runtime is loaded in one place only, which keeps it from reporting home", () => {
  const loaders = code.filter(({ text }) => /(?:from|import\(|require\()\s*["']onnxruntime-node["']/.test(text));
  expect(loaders.map(({ path }) => path)).toEqual(["gateway/vision/models/onnx-runtime.ts"]);
});
