import type { Reading } from "../../drivers/driver.ts";
import type { DeviceBody } from "../../protocol/bodies.ts";
import type { Subject } from "../../protocol/ids.ts";

/** A reading as the supervisor hands it to the pipeline. */
export interface DeviceReading {
  readonly device: string;
  readonly subject?: Subject;
  readonly reading: Reading;
}

/** A change of health of a device or of one subject behind it, as the supervisor decided it. */
export interface DeviceHealth {
  readonly device: string;
  readonly subject?: Subject;
  readonly body: DeviceBody;
}

export function isCallForHelp({ reading }: DeviceReading): boolean {
  return reading.kind === "message" && reading.type === "emergency";
}
