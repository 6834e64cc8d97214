import { expect, test } from "vitest";
import { DRIVERS } from "../../../drivers/registry.ts";
import { loadGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import type { PipelineSettings } from "../../../gateway/pipeline/settings.ts";
import { NIGHT_NOISE, SETTINGS } from "./virtual-night.ts";

test("a loaded config is what the pipeline asks for, and these tests run on its defaults", async () => {
  const result = await loadGatewayConfig(new URL("../../../config/site.yaml", import.meta.url).pathname, DRIVERS);
  if (!result.ok) throw new Error("the sample is not valid");
  const settings: PipelineSettings = result.config;
  expect(settings.rules).toEqual([NIGHT_NOISE]);
  expect(settings.position).toEqual(SETTINGS.position);
});
