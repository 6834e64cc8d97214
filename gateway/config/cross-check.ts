import type { CheckedDocument } from "../../protocol/document/check-document.ts";
import { looseSchema } from "../../protocol/document/describe-schema.ts";
import { didYouMean } from "../../protocol/document/did-you-mean.ts";
import type { DocumentFault } from "../../protocol/document/fault.ts";
import { type DocumentNode, faultAt, nodeAt } from "../../protocol/document/parse-document.ts";
import { isTimeZone, localTimeToUtcMs } from "../../protocol/local-time.ts";
import { checkCameras } from "./check-cameras.ts";
import { type FoundDevice, isBusReference } from "./check-devices.ts";
import { checkParking } from "./check-parking.ts";
import { checkRules } from "./check-rules.ts";
import { keysOf, textAt, unknownName } from "./document-parts.ts";
import type { DeviceConfig, PermitConfig, ResolvedBus } from "./gateway-config.ts";
import type { Bus, GatewayDocument } from "./schema.ts";

export interface CrossChecked {
  readonly buses: Readonly<Record<string, ResolvedBus>>;
  readonly devices: readonly DeviceConfig[];
  readonly permits: readonly PermitConfig[];
  readonly faults: readonly DocumentFault[];
}

/**
 * What no schema can say: names that must exist, values that must fit each other. Works on the document itself where the
 * checked value is not whole, so that these faults are told together with all others.
 */
export function crossCheck(
  root: DocumentNode,
  checked: CheckedDocument<GatewayDocument>,
  found: readonly FoundDevice[],
): CrossChecked {
  const faults: DocumentFault[] = [];
  const isSound = checked.faults.length === 0;
  const buses: Record<string, ResolvedBus> = {};
  if (isSound) {
    for (const [name, bus] of Object.entries(checked.value.buses)) buses[name] = resolveBus(bus);
  }
  const devices = found.map((device) => ({ ...device, config: withBuses(root, device, buses, faults) }));
  checkZones(root, faults);
  checkWeather(root, found, faults);
  checkRules(root, found, faults);
  checkParking(root, found, faults);
  checkCameras(root, faults);
  checkPortsAreOwnedOnce(root, faults);
  checkBridge(root, faults);
  return { buses, devices, permits: permits(root, faults), faults };
}

function resolveBus(bus: Bus): ResolvedBus {
  if ("tcp" in bus) return { port: { tcp: bus.tcp }, settings: { framing: bus.framing } };
  const { serial, ...settings } = bus;
  return { port: { serial }, settings };
}

function withBuses(
  root: DocumentNode,
  device: FoundDevice,
  buses: Readonly<Record<string, ResolvedBus>>,
  faults: DocumentFault[],
): Record<string, unknown> {
  const config: Record<string, unknown> = { ...device.config };
  const names = keysOf(root, ["buses"]);
  for (const [key, property] of Object.entries(looseSchema(device.driver.config).properties ?? {})) {
    const name = config[key];
    if (!isBusReference(property) || typeof name !== "string") continue;
    if (!names.includes(name)) {
      faults.push(unknownName(root, ["devices", device.id, key], "bus", name, names, "buses"));
    } else if (buses[name] !== undefined) {
      config[key] = buses[name];
    }
  }
  return config;
}

function checkWeather(root: DocumentNode, found: readonly FoundDevice[], faults: DocumentFault[]): void {
  const devices = keysOf(root, ["devices"]);
  for (const id of devices) {
    const path = ["devices", id, "weather", "device"];
    const name = textAt(root, path);
    if (name !== undefined && !devices.includes(name)) {
      faults.push(unknownName(root, path, "device", name, devices, "devices"));
      continue;
    }
    const isListener = found.some((device) => device.id === name && device.config["listen"] !== undefined);
    if (isListener && nodeAt(root, ["devices", id, "weather", "station"]) === undefined) {
      faults.push(
        faultAt(root, path, {
          code: "CONFIG_MISSING_KEY",
          message: `devices.${id}.weather: many stations report to ${name}, and none is named`,
          expected: "station: the number of the one whose wind and rain count",
          example: "station: 010000A8900016F000169DC0",
        }),
      );
    }
  }
}

function checkZones(root: DocumentNode, faults: DocumentFault[]): void {
  for (const path of [["site", "timeZone"], ["timeZone"]]) {
    const zone = textAt(root, path);
    if (zone === undefined || isTimeZone(zone)) continue;
    const near = didYouMean(zone, Intl.supportedValuesOf("timeZone"));
    faults.push(
      faultAt(root, path, {
        code: "CONFIG_WRONG_VALUE",
        message: `${path.join(".")}: no time zone is called ${JSON.stringify(zone)}`,
        expected: "an IANA time zone",
        example: "timeZone: Asia/Shanghai",
        ...(near === undefined ? {} : { suggestion: near }),
      }),
    );
  }
  const rules = nodeAt(root, ["rules"]);
  const hasRules = rules?.type === "map" && rules.entries.length > 0;
  if (hasRules && nodeAt(root, ["site", "timeZone"]) === undefined && nodeAt(root, ["timeZone"]) === undefined) {
    faults.push(
      faultAt(root, ["rules"], {
        code: "CONFIG_MISSING_KEY",
        message: "the rules have no time zone: nobody knows when it is night",
        expected: "site.timeZone, or timeZone where there is no site",
        example: "timeZone: Asia/Shanghai",
      }),
    );
  }
}

/** Two owners of one serial port would steal each other's bytes. */
function checkPortsAreOwnedOnce(root: DocumentNode, faults: DocumentFault[]): void {
  const owners = new Map<string, string>();
  for (const section of ["buses", "devices"]) {
    for (const name of keysOf(root, [section])) {
      const path = [section, name, "serial"];
      const port = textAt(root, path);
      if (port === undefined) continue;
      const owner = owners.get(port);
      if (owner === undefined) owners.set(port, `${section}.${name}`);
      else {
        faults.push(
          faultAt(root, path, {
            code: "CONFIG_WRONG_VALUE",
            message: `${section}.${name}: ${port} already belongs to ${owner}`,
            expected: "a serial port that nothing else uses; devices that share a line name one bus",
            example: "bus: rs485",
          }),
        );
      }
    }
  }
}

function checkBridge(root: DocumentNode, faults: DocumentFault[]): void {
  const url = textAt(root, ["bridge", "url"]);
  if (url === undefined || !url.startsWith("mqtt://")) return;
  const insecure = nodeAt(root, ["bridge", "insecureLoopback"]);
  const isLoopback = /^mqtt:\/\/(127\.0\.0\.1|\[::1\])(:\d+)?\/?$/.test(url);
  if (insecure?.type === "scalar" && insecure.value === true && isLoopback) return;
  faults.push(
    faultAt(root, ["bridge", "url"], {
      code: "CONFIG_WRONG_VALUE",
      message: "bridge.url: a connection without TLS",
      expected: "mqtts://HOST:PORT; mqtt:// only to 127.0.0.1 or [::1] with insecureLoopback: true",
      example: 'url: "mqtts://bridge.example:8883"',
    }),
  );
}

function permits(root: DocumentNode, faults: DocumentFault[]): PermitConfig[] {
  const list = nodeAt(root, ["permits"]);
  const named = textAt(root, ["site", "timeZone"]) ?? textAt(root, ["timeZone"]);
  const zone = named !== undefined && isTimeZone(named) ? named : "UTC";
  const rules = keysOf(root, ["rules"]);
  const result: PermitConfig[] = [];
  if (list?.type !== "list") return result;
  for (const index of list.items.keys()) {
    const fromMs = timeOf(root, ["permits", index, "from"], zone, faults);
    const toMs = timeOf(root, ["permits", index, "to"], zone, faults);
    const covered = nodeAt(root, ["permits", index, "rules"]);
    const names =
      covered?.type === "list" ? covered.items.map((item) => (item.type === "scalar" ? item.value : null)) : [];
    for (const [at, name] of names.entries()) {
      if (typeof name !== "string" || rules.includes(name)) continue;
      faults.push(unknownName(root, ["permits", index, "rules", at], "rule", name, rules, "rules"));
    }
    if (fromMs === undefined || toMs === undefined) continue;
    if (toMs <= fromMs) {
      const message = `permits.${index}: it ends before it begins`;
      const expected = "a time after from";
      faults.push(
        faultAt(root, ["permits", index, "to"], {
          code: "CONFIG_WRONG_VALUE",
          message,
          expected,
          example: "to: 2026-11-22T06:00",
        }),
      );
    }
    const id = textAt(root, ["permits", index, "id"]) ?? "";
    const some = names.filter((name) => typeof name === "string");
    result.push({ id, fromMs, toMs, ...(covered === undefined ? {} : { rules: some }) });
  }
  return result;
}

function timeOf(
  root: DocumentNode,
  path: readonly (string | number)[],
  zone: string,
  faults: DocumentFault[],
): number | undefined {
  const text = textAt(root, path);
  if (text === undefined || !/^\d{4}-\d\d-\d\dT/.test(text)) return undefined;
  const atMs = localTimeToUtcMs(text, zone);
  if (atMs !== undefined) return atMs;
  const message = `${path.join(".")}: no such date and time`;
  const expected = "a date and time of the calendar";
  faults.push(
    faultAt(root, path, { code: "CONFIG_WRONG_VALUE", message, expected, example: `${path.at(-1)}: 2026-11-21T22:00` }),
  );
  return undefined;
}
