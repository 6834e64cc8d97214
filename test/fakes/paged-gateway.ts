import { onTestFinished } from "vitest";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { startGateway } from "../../gateway/main.ts";
import { QuietLog } from "./quiet-log.ts";

/** A whole gateway in this process, until the test ends; `told` is what it prints once, such as the PIN of its page. */
export async function startPagedGateway(yaml: string) {
  const checked = await checkGatewayConfig(Buffer.from(yaml), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const told: string[] = [];
  const log = new QuietLog();
  const running = await startGateway({
    config: checked.config,
    version: "test",
    log,
    tell: (said) => void told.push(said),
  });
  let isOver = false;
  const stop = async () => {
    if (!isOver) await running.stop();
    isOver = true;
  };
  onTestFinished(stop);
  return { port: running.pagePort ?? 0, healthPort: running.localPort ?? 0, told, log, stop };
}
