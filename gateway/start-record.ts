import { Value } from "typebox/value";
import type { StartBody } from "../protocol/bodies.ts";
import { MAX_URGENT_BODY_BYTES } from "../protocol/limits.ts";
import { NoiseQuantity } from "../protocol/noise.ts";
import type { ReportedConfig } from "../protocol/twin.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import { codeOf } from "./contracts/gateway-error.ts";
import type { Journal, JournalRestore } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";
import type { SupervisedDevice } from "./supervisor/device-supervisor.ts";

const RESTART_SETTING = "start.commanded";

/** The next start is one that a command asked for. Where the journal does not take that, it starts all the same. */
export async function noteCommandedRestart(journal: Pick<Journal, "setSetting">, log: Logger): Promise<void> {
  try {
    await journal.setSetting(RESTART_SETTING, "yes");
  } catch (error) {
    log.warn({ code: codeOf(error), error: String(error) }, "reason of this restart could not be noted");
  }
}

export async function wasRestartCommanded(journal: Pick<Journal, "getSetting">): Promise<boolean> {
  return (await journal.getSetting(RESTART_SETTING)) === "yes";
}

/** Once the start record is committed, which says it. */
export function forgetCommandedRestart(journal: Pick<Journal, "setSetting">): Promise<void> {
  return journal.setSetting(RESTART_SETTING, "no");
}

/** What the node says of itself with the first record of a run. */
export function startBody(
  config: GatewayConfig,
  restored: JournalRestore,
  version: string,
  wasCommanded: boolean,
  evidenceKey?: string,
  reported?: ReportedConfig,
): StartBody {
  const { name, timeZone, latitudeDeg, longitudeDeg } = config.site ?? {};
  const body: StartBody = {
    ...(restored.previous === undefined ? {} : { previous: { ...restored.previous } }),
    reason: reasonOf(restored, wasCommanded),
    version,
    configSha256: config.sha256,
    ...(reported === undefined ? {} : { config: reported }),
    ...(evidenceKey === undefined ? {} : { evidenceKey }),
    ...(name === undefined || timeZone === undefined
      ? {}
      : {
          site: {
            name,
            timeZone,
            ...(latitudeDeg === undefined ? {} : { latitudeDeg }),
            ...(longitudeDeg === undefined ? {} : { longitudeDeg }),
          },
        }),
    devices: [
      ...config.devices.map(({ id, driver, config: own }) => ({ id, driver: driver.kind, ...quantityOf(own) })),
      ...config.cameras.map(({ id }) => ({ id, driver: "camera" })),
    ],
  };
  // A control room may have more devices than a lane-1 body holds; the bridge learns the others from their own records.
  while (Buffer.byteLength(JSON.stringify(body)) > MAX_URGENT_BODY_BYTES) body.devices.pop();
  return body;
}

function reasonOf(restored: JournalRestore, wasCommanded: boolean): StartBody["reason"] {
  if (restored.setAside !== undefined) return "journal-set-aside";
  if (restored.previous === undefined) return "first";
  if (!restored.wasClean) return "unclean";
  return wasCommanded ? "command" : "clean";
}

function quantityOf(config: unknown): { quantity?: NoiseQuantity } {
  if (typeof config !== "object" || config === null || !("quantity" in config)) return {};
  return Value.Check(NoiseQuantity, config.quantity) ? { quantity: config.quantity } : {};
}

/** The config's devices as the supervisor takes them. */
export function supervisedDevices({ devices }: Pick<GatewayConfig, "devices">): SupervisedDevice[] {
  return devices.map(({ id, driver, isEnabled, config }) => ({
    id,
    driver: driver.kind,
    config,
    isDisabled: !isEnabled,
  }));
}
