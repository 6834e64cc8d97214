import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseCopy, parseDockerfile, parseEnvironment, parseWords, type Stage } from "./dockerfile.ts";
import { ROOT } from "./source-tree.ts";

/**
 * Runs the Dockerfile's steps without an engine: each stage is a folder, WORKDIR its `shao`, RUN a shell there with the
 * real npm. What this cannot show: the base image's own files, and the engine's layers.
 */
const stages = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8"));
const ignored = readFileSync(join(ROOT, ".dockerignore"), "utf8")
  .split("\n")
  .filter((line) => line !== "");
const isRoot = process.getuid?.() === 0;

let build = "";
const entry: string[] = [];
const environment: Record<string, string> = {};

beforeAll(() => {
  build = mkdtempSync(join(tmpdir(), "shao-image-"));
  chmodSync(build, 0o755);
  for (const stage of stages) buildStage(stage);
}, 300_000);

afterAll(() => rmSync(build, { recursive: true, force: true }), 300_000);

function workFolder(stage: string): string {
  return join(build, stage, "shao");
}

function buildStage(stage: Stage): void {
  const work = workFolder(stage.name);
  mkdirSync(work, { recursive: true });
  const env: Record<string, string> = {};
  for (const { name, rest } of stage.steps) {
    if (name === "COPY") copy(work, rest);
    else if (name === "ENV") Object.assign(env, parseEnvironment(rest));
    // Debian's packages go into the image's own system, which is not there.
    else if (name === "RUN" && !rest.startsWith("apt-get ")) run(work, rest, env);
    else if (name === "ENTRYPOINT") entry.push(...parseWords(rest));
    else expect(["RUN", "WORKDIR", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"]).toContain(name);
  }
  if (stage === stages.at(-1)) Object.assign(environment, env);
}

function copy(work: string, rest: string): void {
  const { from, sources, target } = parseCopy(rest);
  for (const source of sources) {
    const origin = from === undefined ? join(ROOT, source) : join(build, from, source);
    const into = target.endsWith("/") ? join(work, target, source.split("/").pop() ?? "") : join(work, target);
    mkdirSync(dirname(into), { recursive: true });
    cpSync(origin, into, {
      recursive: true,
      filter: (path) => from !== undefined || !ignored.includes(relative(ROOT, path)),
    });
  }
}

function run(work: string, command: string, env: Record<string, string>): void {
  // Giving files to another user needs root, as an engine has.
  const possible = isRoot ? command : command.replace(/chown \S+/, "true");
  const path = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
  const result = spawnSync("sh", ["-c", possible], {
    cwd: work,
    env: { ...process.env, ...env, PATH: path },
    encoding: "utf8",
  });
  expect({ command, status: result.status, stderr: result.status === 0 ? "" : result.stderr }).toEqual({
    command,
    status: 0,
    stderr: "",
  });
}

/** Starts the built image's entry point as its user. */
function start(...words: string[]): { status: number | null; out: string; err: string } {
  const [program = "", ...rest] = entry;
  const command = program === "node" ? process.execPath : program;
  const asUser = isRoot ? ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"] : [];
  const [file = "", ...argv] = [...asUser, command, ...rest, ...words];
  const work = workFolder(stages.at(-1)?.name ?? "");
  const env = {
    PATH: process.env["PATH"] ?? "",
    ...environment,
    NODE_COMPILE_CACHE: join(work, "state/.compile-cache"),
  };
  const { status, stdout, stderr } = spawnSync(file, argv, { cwd: work, env, encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

test("the built image explains itself as a user that is not root", () => {
  const { status, out, err } = start("--help");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toContain("Usage: shao");
});

test.each(["gateway", "bridge"])("its %s half starts as far as its config", (half) => {
  expect(start(half, "--help")).toMatchObject({ status: 0, err: "" });
  const missing = start(half, "--config", "nowhere.yaml");
  expect(missing.status).toBe(78);
  expect(missing.err).toContain("nowhere.yaml");
});

test("it holds no package for developers, no build of another platform, no test", () => {
  const work = workFolder(stages.at(-1)?.name ?? "");
  const files = readdirSync(work, { recursive: true, encoding: "utf8" });
  expect(files.filter((path) => path.endsWith(".node") && /darwin|win32|android|musl/.test(path))).toEqual([]);
  for (const name of ["vitest", "vite", "@biomejs", "typescript", "node"]) {
    expect(existsSync(join(work, "node_modules", name)), name).toBe(false);
  }
  const ours = files.filter((path) => !path.startsWith("node_modules/"));
  expect(ours.filter((path) => /^(test|bench)\//.test(path) || path.endsWith(".test.ts"))).toEqual([]);
});

test("the console is in it, built", () => {
  const dist = join(workFolder(stages.at(-1)?.name ?? ""), "cloud-bridge/console/dist");
  expect(readdirSync(dist)).toContain("index.html");
});
