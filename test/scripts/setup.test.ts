import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "../repo/source-tree.ts";

/** What setup itself needs of a bare system; anything else is put there by a test. */
const BARE =
  "bash env dirname mkdir cat cut tr uname sha256sum grep sleep tail date rm tee chmod flock find sort xargs".split(
    " ",
  );

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shao-setup-"));
  for (const name of ["scripts", "bin"]) mkdirSync(join(folder, name));
  for (const name of ["setup", "shao", "demo"]) cpSync(join(ROOT, "scripts", name), join(folder, "scripts", name));
  writeFileSync(join(folder, "package-lock.json"), "{}\n");
  writeFileSync(join(folder, "package.json"), "{}\n");
  for (const name of BARE) {
    const found = ["/usr/bin", "/bin"].map((place) => join(place, name)).find((path) => existsSync(path));
    if (found !== undefined) symlinkSync(found, join(folder, "bin", name));
  }
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program on the bare system's path. */
function place(path: string, script: string): void {
  writeFileSync(join(folder, path), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, path), 0o755);
}

/** An npm whose `ci` brings a Node of that version. */
function placeNpm(version = "v24.21.0"): void {
  place("bin/node", "exit 0");
  place(
    "bin/npm",
    [
      `echo "npm $* node=$(command -v node) onnx=$ONNXRUNTIME_NODE_INSTALL" >>"${folder}/calls"`,
      `mkdir -p "${folder}/node_modules/node/bin"`,
      `printf '#!/bin/sh\\n[ "$1" = -v ] && echo ${version}\\nexit 0\\n' >"${folder}/node_modules/node/bin/node"`,
      `chmod 755 "${folder}/node_modules/node/bin/node"`,
    ].join("\n"),
  );
}

function calls(): string[] {
  return existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8").trim().split("\n") : [];
}

function setup(...options: string[]): { status: number | null; out: string; err: string } {
  const script = join(folder, "scripts/setup");
  const { status, stdout, stderr } = spawnSync("/bin/bash", [script, ...options], {
    env: { PATH: join(folder, "bin") },
    encoding: "utf8",
  });
  return { status, out: stdout, err: stderr };
}

test("the first run installs from the lock file and talks on stderr only", () => {
  placeNpm();
  const { status, out, err } = setup();
  expect({ status, out }).toEqual({ status: 0, out: "" });
  expect(err).toMatch(/^setup: packages .* …\n/);
  expect(err).toMatch(/setup: ready\n$/);
  expect(calls()).toEqual([expect.stringMatching(/^npm ci .*onnx=skip$/)]);
});

test("a second run asks npm and the network for nothing, not even with npm gone", () => {
  placeNpm();
  place("bin/ffmpeg", "exit 0");
  setup();
  for (const name of ["npm", "node"]) rmSync(join(folder, "bin", name));
  const { status, err } = setup();
  expect({ status, err }).toEqual({
    status: 0,
    err: "setup: packages: already installed\nsetup: ffmpeg: already installed\nsetup: ready\n",
  });
  expect(calls()).toHaveLength(1);
});

test("a changed lock file installs again", () => {
  placeNpm();
  setup();
  writeFileSync(join(folder, "package-lock.json"), '{"changed":true}\n');
  expect(setup().status).toBe(0);
  expect(calls()).toHaveLength(2);
});

test("without node and without root it names the exact command", () => {
  place("bin/apt-get", "exit 1");
  place("bin/id", "echo 1000");
  const { status, err } = setup();
  expect(status).toBe(1);
  expect(err).toContain("su -c 'apt-get update && apt-get install -y --no-install-recommends nodejs npm'");
});

test("without ffmpeg, and without the right to install it, all else is set up and the exact command is named", () => {
  placeNpm();
  place("bin/apt-get", "exit 1");
  place("bin/id", "echo 1000");
  const { status, err } = setup();
  expect(status).toBe(0);
  expect(err).toContain("cameras will not run until it is there");
  expect(err).toContain("su -c 'apt-get update && apt-get install -y --no-install-recommends ffmpeg'");
});

test("a failing npm shows its last words, not a wall of them, and leaves no stamp", () => {
  place("bin/node", "exit 0");
  place(
    "bin/npm",
    "i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo noise $i; done; echo ENOTFOUND registry >&2; exit 1",
  );
  const { status, err } = setup();
  expect(status).toBe(1);
  expect(err).toContain("ENOTFOUND registry");
  expect(err.split("\n").length).toBeLessThan(40);
  placeNpm();
  expect(setup().status).toBe(0);
});

test("on an old Node of the system npm installs once more, on the Node 24 that it brought", () => {
  placeNpm();
  place("bin/node", "echo old");
  const { status, err } = setup();
  expect({ status, err }).toMatchObject({ status: 0, err: expect.stringContaining("packages for Node 24") });
  expect(calls()).toEqual([
    expect.stringMatching(/^npm ci .*--ignore-scripts .*node=.*\/bin\/node onnx=skip$/),
    expect.stringMatching(
      /^npm install --no-save .*--ignore-scripts .*node=.*\/node_modules\/node\/bin\/node onnx=skip$/,
    ),
  ]);
});

test("a Node that only fails is not taken for an old one", () => {
  placeNpm();
  place("bin/node", "exit 1");
  expect(setup().status).toBe(0);
  expect(calls()).toHaveLength(1);
});

test("a Node of another version is refused", () => {
  placeNpm("v20.1.0");
  const { status, err } = setup();
  expect(status).toBe(1);
  expect(err).toContain("is not Node 24");
});

test("an unknown option is wrong usage", () => {
  expect(setup("--tests").status).toBe(64);
});

test("shao before setup says what to run", () => {
  const { status, stderr } = spawnSync("/bin/bash", [join(folder, "scripts/shao"), "--help"], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toContain(`Hint: run ${folder}/scripts/setup first.`);
});
