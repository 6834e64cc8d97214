import { Type } from "typebox";
import type { BusPort, BusSettings } from "../driver.ts";

/** A bus of the node's config, as a driver receives it. */
export interface BusConfig {
  readonly port: BusPort;
  readonly settings: BusSettings;
}

/**
 * A driver's `bus` key. In the YAML it is the name of an entry of `buses`, and that is what the schema checks; before
 * `run` the config loader replaces every property whose schema carries `"x-shao": "bus"` by the `BusConfig` of that name,
 * and that is what the type says.
 */
export const BusReference = Type.Unsafe<BusConfig>({
  type: "string",
  pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
  "x-shao": "bus",
  title: "Bus",
  description: "Name of an entry of `buses`: the line on which the device hangs.",
});
