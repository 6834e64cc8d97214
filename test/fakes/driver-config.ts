import { Value } from "typebox/value";
import { loadDriver } from "../../drivers/registry.ts";

/** A device's config with the defaults of its driver, as the loader hands it over. */
export async function withDefaults(kind: string, config: object): Promise<unknown> {
  const driver = await loadDriver(kind);
  if (driver === undefined) throw new Error(`no driver ${kind}`);
  return Value.Default(driver.config, structuredClone(config));
}
