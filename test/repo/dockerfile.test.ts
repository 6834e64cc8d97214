import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseCopy, parseDockerfile } from "./dockerfile.ts";
import { ROOT } from "./source-tree.ts";

const stages = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8"));
const ignored = readFileSync(join(ROOT, ".dockerignore"), "utf8")
  .split("\n")
  .filter((line) => line !== "");
const final = stages.at(-1);
const steps = (name: string): string[] =>
  (final?.steps ?? []).filter((step) => step.name === name).map(({ rest }) => rest);

test("every stage stands on Node 24 slim", () => {
  expect(stages.length).toBeGreaterThan(1);
  for (const { base } of stages) expect(base).toMatch(/^node:24-[a-z]+-slim$/);
});

test("the image runs as a user that is not root, keeps its state in a volume and knows whether it is well", () => {
  expect(steps("USER")).toEqual(["1000:1000"]);
  expect(steps("VOLUME")).toEqual(["/shao/state"]);
  expect(steps("HEALTHCHECK")[0]).toContain("scripts/health-check.ts");
});

test("every folder that the program imports is copied, and no test, bench or developer's package", () => {
  const copied = steps("COPY").flatMap((rest) => parseCopy(rest).sources);
  for (const folder of ["protocol", "drivers", "gateway", "cloud-bridge", "cli"]) expect(copied).toContain(folder);
  expect(copied.filter((source) => /^(test|bench|docs)/.test(source))).toEqual([]);
  const packages = stages.find(({ name }) => name === "packages")?.steps.map(({ rest }) => rest) ?? [];
  expect(packages.some((rest) => rest.startsWith("npm ci --omit=dev"))).toBe(true);
});

test("what is copied from the repository is there and not left out by .dockerignore", () => {
  const sources = stages
    .flatMap((stage) => stage.steps.filter(({ name }) => name === "COPY").map(({ rest }) => parseCopy(rest)))
    .filter(({ from }) => from === undefined)
    .flatMap((copy) => copy.sources);
  expect(sources.length).toBeGreaterThan(5);
  expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
  expect(sources.filter((source) => ignored.some((line) => source === line || source.startsWith(`${line}/`)))).toEqual(
    [],
  );
  for (const heavy of ["node_modules", ".git", "state"]) expect(ignored).toContain(heavy);
});
