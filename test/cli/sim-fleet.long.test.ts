import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { FleetReport } from "../../cli/sim/fleet/fleet-run.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("a fleet enrols, loses its bridge and comes back with every record", { timeout: 300_000 }, () => {
  const args = ["cli/shao.js", "sim", "fleet", "--nodes", "60", "--every", "2", "--rest", "5", "--seed", "3"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const { pairing, reconnecting, records, failing, bridge } = JSON.parse(stdout) as FleetReport;
  expect(pairing.failed).toBe(0);
  expect(reconnecting.present).toBe(60);
  expect(failing).toBe(3);
  expect(records).toMatchObject({ lost: 0, unexplained: 0, outstanding: 0, stored: records.written });
  expect(bridge.rest.rssMb).toBeGreaterThan(0);
});
