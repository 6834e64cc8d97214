import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { FleetReport } from "../../cli/sim/fleet/fleet-run.ts";

/** More on a quiet machine: SHAO_FLEET_NODES=1000. */
const NODES = process.env["SHAO_FLEET_NODES"] ?? "60";
const nodes = Number(NODES);
const root = fileURLToPath(new URL("../..", import.meta.url));

test("a fleet enrols, gets another config, loses its bridge and comes back with every record", {
  timeout: 600_000,
}, () => {
  const args = ["cli/shao.js", "sim", "fleet", "--nodes", NODES, "--every", "2", "--rest", "5", "--seed", "3"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const { pairing, reconnecting, records, failing, bridge, rollout } = JSON.parse(stdout) as FleetReport;
  expect(pairing.failed).toBe(0);
  expect(reconnecting.present).toBe(nodes);
  const share = Math.round(nodes * 0.05);
  expect(failing).toBe(share);
  const counts = { nodes, failing: share, applied: nodes - share, reverted: share, others: 0 };
  expect(rollout).toMatchObject({ ...counts, mismatches: [] });
  expect(rollout.afterReconnect).toEqual({ mismatches: [], repeatedOrders: 0 });
  expect(records).toMatchObject({ lost: 0, unexplained: 0, outstanding: 0, stored: records.written });
  expect(bridge.rest.rssMb).toBeGreaterThan(0);
});
