import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { needRigs } from "../../fakes/rigs.ts";
import { signInBy, startTestBridge } from "../../fakes/running-bridge.ts";

const ROOT = join(import.meta.dirname, "../../..");

test("the examples of docs/api.md do what they say, word for word", async (context) => {
  needRigs(context, "curl", "jq");
  const page = readFileSync(join(ROOT, "docs/api.md"), "utf8");
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gmu)].map(([, block]) => block);
  expect(blocks.length).toBeGreaterThan(10);
  const folder = mkdtempSync(join(tmpdir(), "shao-examples-"));
  const bridge = await startTestBridge();
  try {
    await signInBy(bridge, bridge.adminLink ?? "");
    writeFileSync(join(folder, "ca.pem"), bridge.caPem);
    const script = `set -euo pipefail\nln -s ${ROOT}/config config\n${blocks.join("\necho\n")}`;
    const env = {
      ...{ PATH: process.env["PATH"], BRIDGE: bridge.url, CA: "ca.pem" },
      ...{ NAME: "admin", PASSWORD: "a password of this test" },
    };
    const run = promisify(execFile)("bash", ["-c", script], { cwd: folder, env, timeout: 60_000 });
    const { stdout } = await run.catch((error: { stdout: string; stderr: string }) => {
      throw new Error(`${error.stdout}\n${error.stderr}`);
    });
    const said = stdout.split("\n");
    for (const line of [
      '["west"]',
      '["chengguan"]',
      "304",
      '["noise-meter"]',
      "412",
      "somebody was faster",
      "one filing",
      "8",
      '["west-1","car-1","Li","Wang"]',
      '["west-1",true,"Li","Wang"]',
      '["default",1]',
      '"2026-10-08T02:00:00Z"',
      '"2026-10-15T10:00:00Z"',
      '["2026-CY-0117","not the works that it names"]',
      '["open",["west"]]',
    ]) {
      expect(said).toContain(line);
    }
    expect(Number(said.at(-3)), stdout).toBeGreaterThan(0);
  } finally {
    await bridge.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
