import process from "node:process";
import { DRIVERS } from "../../drivers/registry.ts";
import { loadGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { parseGatewayFaultPoint } from "../../gateway/contracts/fault-points.ts";
import { startGateway } from "../../gateway/main.ts";
import { QuietLog } from "../fakes/quiet-log.ts";

/**
 * A whole gateway as a process, which takes evidence when its parent says so: what a camera's stage will do.
 * `evidence-node.ts CONFIG [FAULT-POINT]`; each message is `{ alarmId, clips: [{ name, path }] }`.
 */
const [, , path = "", faultPoint] = process.argv;
const loaded = await loadGatewayConfig(path, DRIVERS);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
const gateway = await startGateway({
  config: loaded.config,
  version: "test",
  log: new QuietLog(),
  ...(faultPoint === undefined ? {} : { faultPoint: parseGatewayFaultPoint(faultPoint) }),
});
process.once("disconnect", () => process.exit());
process.on("message", ({ alarmId, clips }: { alarmId: string; clips: { name: string; path: string }[] }) => {
  const atMs = Date.now();
  const body = { evidenceId: `${alarmId}-clips`, alarmId, parts: [], missing: [] };
  const media = clips.map(({ name, path: from }) => {
    return { name, type: "clip", fromMs: atMs - 10_000, toMs: atMs, from: { path: from } } as const;
  });
  void gateway.evidence
    .take({ record: { kind: "evidence", upMs: 1, atMs, timeQuality: "ntp", body }, media })
    .then((parts) => process.send?.({ parts }));
});
process.send?.("ready");
