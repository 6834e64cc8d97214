import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { whyNoDebian } from "../../scripts/first-level/booted-debian.ts";
import { hasRig, scratchFolder } from "../fakes/rigs.ts";
import { ROOT } from "../repo/source-tree.ts";

const MINUTE = 60_000;
vi.setConfig({ testTimeout: 20 * MINUTE });
const reason = whyNoDebian() ?? (hasRig("pymodbus") ? undefined : "python3-pymodbus is missing");
if (reason !== undefined && process.env["CI"] !== undefined) throw new Error(reason);
const here = test.skipIf(reason !== undefined);

const arch = process.arch === "arm64" ? "arm64" : "amd64";
const folder = scratchFolder();
/** A package that is made already, to save time while working on this test. */
const made = process.env["SHAO_PACKAGES"] ?? join(folder.path, "made");
const deb = join(made, `shao_0.1.0_${arch}.deb`);
const STEPS = [
  ...["dpkg --install", "shao init", "shao check", "systemctl start"],
  ...["the PIN out of the service's journal", "the page: PIN to the first level"],
];

beforeAll(() => {
  if (reason !== undefined || existsSync(deb)) return;
  mkdirSync(made, { recursive: true });
  const { status, stderr } = spawnSync("scripts/package", ["--out", made, "--level", "0", "--version", "0.1.0"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
}, 20 * MINUTE);

afterAll(folder.remove);

interface Result {
  readonly steps: readonly { readonly step: string; readonly seconds: number }[];
  readonly asked: readonly string[];
  readonly wrote: unknown;
  readonly level: unknown;
  readonly totalS: number;
}

here.each([
  ["English", [], /^Id of this box/u],
  ["Chinese", ["--zh"], /^本机编号/u],
] as const)(
  "from the .deb to the first level on the page of the box, asked in %s: scripts/newcomer goes all the way",
  (_, words, firstQuestion) => {
    const { status, stdout, stderr } = spawnSync("scripts/newcomer", ["--deb", deb, "--json", ...words], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    const { steps, asked, wrote, level, totalS } = JSON.parse(stdout) as Result;
    process.stderr.write(`${stderr}`);
    expect(steps.map(({ step }) => step)).toEqual(STEPS);
    expect(steps.every(({ seconds }) => seconds > 0)).toBe(true);
    expect(totalS).toBeCloseTo(
      steps.reduce((sum, { seconds }) => sum + seconds, 0),
      1,
    );
    expect(asked[0]).toMatch(firstQuestion);
    expect(asked.length).toBeGreaterThanOrEqual(7);
    expect(wrote).toMatchObject({ node: "site-042", devices: ["noise-01"], cameras: [], missing: [] });
    // What the meter's one register says, and nothing made up.
    expect(level).toEqual({ atMs: expect.any(Number), levelDb: 53.6 });
  },
);

test("it says what it needs, and what it does not measure", () => {
  const { status, stdout } = spawnSync("scripts/newcomer", ["--help"], { cwd: ROOT, encoding: "utf8" });
  expect(status).toBe(0);
  expect(stdout).toContain(
    "Not in the time: making the package, booting the Debian, and what a person takes to read and to type.",
  );
});
