import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadBridgeConfig } from "../../cloud-bridge/config.ts";
import { BridgeDocument } from "../../cloud-bridge/config-schema.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { deviceSchema } from "../../gateway/config/check-devices.ts";
import { checkGatewayConfig, loadGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { GatewayDocument } from "../../gateway/config/schema.ts";
import { checkDocument } from "../../protocol/document/check-document.ts";
import { looseSchema } from "../../protocol/document/describe-schema.ts";
import { type DocumentNode, nodeAt, parseDocumentText } from "../../protocol/document/parse-document.ts";

const folder = new URL("../../config/", import.meta.url);
const samples = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

test("every shipped config is valid", async () => {
  expect(samples.length).toBeGreaterThanOrEqual(3);
  for (const name of samples) {
    const path = new URL(name, folder).pathname;
    const result = name.startsWith("bridge") ? await loadBridgeConfig(path) : await loadGatewayConfig(path, DRIVERS);
    expect(result.ok ? [] : result.faults, name).toEqual([]);
  }
});

/** What the samples say beside a default of the schema, so that a changed default shows here. */
const STATED: Readonly<Record<string, readonly string[]>> = {
  "bridge.yaml": ["listen.host", "store", "dispatch.policy", "dispatch.afterSeconds"],
  "vehicle.yaml": ["position.minMoveM", "position.minTurnDeg", "position.movingEveryMs", "position.standingEveryMs"],
};

test("numbers that a sample calls the default are the schema's", () => {
  for (const [name, paths] of Object.entries(STATED)) {
    const text = readFileSync(new URL(name, folder), "utf8");
    const schema = name === "bridge.yaml" ? BridgeDocument : GatewayDocument;
    const without: DocumentNode = { type: "map", at: { line: 1, column: 1 }, entries: [] };
    const defaults: unknown = checkDocument(schema, without).value;
    for (const path of paths) {
      const stated = nodeAt(parseDocumentText(text).root, path.split("."));
      const value = path.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], defaults);
      if (path === "listen.host") continue;
      expect(stated?.type === "scalar" ? stated.value : undefined, `${name} ${path}`).toBe(value);
    }
  }
});

test("the numbers in the site sample's comment on the rule are the rule's defaults", async () => {
  const path = new URL("site.yaml", folder).pathname;
  const result = await loadGatewayConfig(path, DRIVERS);
  const [found] = result.ok ? result.config.rules : [];
  const rule = found?.kind === "trigger" ? found : undefined;
  const comment = readFileSync(path, "utf8").replace(/\n# /g, " ");
  expect(comment).toContain(
    `LAeq of the last ${rule?.raiseWindowS} s (${rule?.raiseMinValidS} of them valid) is above limitDb, and clears when LAeq of the last ${rule?.clearWindowS} s (${rule?.clearMinValidS} valid) is below clearDb (${rule?.clearDb.toFixed(1)}). It is armed from ${rule?.armedFrom} to ${rule?.armedTo}`,
  );
});

test("each driver's sample.yaml passes inside the least config that there is", async () => {
  for (const { kind } of DRIVERS) {
    const sample = readFileSync(new URL(`../../drivers/${kind}/sample.yaml`, import.meta.url), "utf8");
    const device = sample.trimEnd().replace(/^/gm, "    ");
    const text = [
      'node: n-1\nbridge: { url: "mqtts://127.0.0.1:8883" }\nstate: ./state/n-1',
      "buses:\n  rs485: { serial: /dev/ttyUSB9 }",
      `devices:\n  d:\n${device}\n`,
    ].join("\n");
    const result = await checkGatewayConfig(Buffer.from(text), DRIVERS);
    expect(result.ok ? [] : result.faults, kind).toEqual([]);
  }
});

test("each driver's sample.yaml is a good device of that kind, and states the schema's defaults", async () => {
  for (const { kind, load } of DRIVERS) {
    const driver = await load();
    const text = readFileSync(new URL(`../../drivers/${kind}/sample.yaml`, import.meta.url), "utf8");
    const sample = checkDocument(deviceSchema(driver), parseDocumentText(text).root);
    expect(sample.faults, kind).toEqual([]);
    const properties = looseSchema(driver.config).properties ?? {};
    const stated = Object.entries(sample.value as Record<string, unknown>).filter(([key]) => key in properties);
    expect(stated.length, kind).toBeGreaterThan(0);
    for (const [key, value] of stated) {
      const { default: otherwise } = properties[key] ?? {};
      if (otherwise !== undefined) expect(value, `${kind} ${key}`).toEqual(otherwise);
    }
  }
});
