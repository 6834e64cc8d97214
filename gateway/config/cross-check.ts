import type { CheckedDocument } from "../../protocol/document/check-document.ts";
import { looseSchema } from "../../protocol/document/describe-schema.ts";
import { didYouMean } from "../../protocol/document/did-you-mean.ts";
import type { DocumentFault } from "../../protocol/document/fault.ts";
import { type DocumentNode, faultAt, nodeAt } from "../../protocol/document/parse-document.ts";
import { type FoundDevice, isBusReference } from "./check-devices.ts";
import type { DeviceConfig, PermitConfig, ResolvedBus } from "./gateway-config.ts";
import { isTimeZone, localTimeToUtcMs } from "./local-time.ts";
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
  checkRules(root, found, faults);
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

/** The pipeline's own rule for emergency messages: an alarm's key holds its rule's name. */
const EMERGENCY_RULE = "emergency";

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

function checkRules(root: DocumentNode, found: readonly FoundDevice[], faults: DocumentFault[]): void {
  const devices = keysOf(root, ["devices"]);
  for (const rule of keysOf(root, ["rules"])) {
    const at = (key: string): string[] => ["rules", rule, key];
    if (rule === EMERGENCY_RULE) {
      faults.push(
        faultAt(root, ["rules", rule], {
          code: "CONFIG_WRONG_VALUE",
          message: `rules.${rule}: this is the name of the built-in rule, which always holds`,
          expected: "another name",
          example: "night-noise: { kind: trigger, device: noise-01 }",
        }),
      );
    }
    const name = textAt(root, at("device"));
    if (name !== undefined && !devices.includes(name)) {
      faults.push(unknownName(root, at("device"), "device", name, devices, "devices"));
    }
    const number = (key: string, otherwise: number): number => {
      const node = nodeAt(root, at(key));
      return node?.type === "scalar" && typeof node.value === "number" ? node.value : otherwise;
    };
    const limitDb = number("limitDb", 70);
    const clearDb = number("clearDb", 67);
    if (clearDb > limitDb) {
      const key = nodeAt(root, at("clearDb")) === undefined ? "limitDb" : "clearDb";
      faults.push(
        faultAt(root, at(key), {
          code: "CONFIG_WRONG_VALUE",
          message: `rules.${rule}: it would clear below ${clearDb} dB, above the level that raises it (${limitDb} dB)`,
          expected: "clearDb at most limitDb",
          example: `clearDb: ${limitDb - 3}`,
        }),
      );
    }
    const windows = [
      ["raiseMinValidS", number("raiseMinValidS", 8), number("raiseWindowS", 10)],
      ["clearMinValidS", number("clearMinValidS", 54), number("clearWindowS", 60)],
    ] as const;
    for (const [key, valid, window] of windows) {
      if (valid <= window) continue;
      const place = nodeAt(root, at(key)) === undefined ? at(key.replace("MinValid", "Window")) : at(key);
      faults.push(
        faultAt(root, place, {
          code: "CONFIG_WRONG_VALUE",
          message: `rules.${rule}: ${valid} valid seconds are asked of a window of ${window}`,
          expected: `${key} at most ${window}`,
          example: `${key}: ${Math.max(1, Math.floor(window * 0.8))}`,
        }),
      );
    }
    const periodMs = found.find((device) => device.id === name)?.config["periodMs"];
    const needed = number("raiseMinValidS", 8);
    const possible =
      typeof periodMs === "number" ? (number("raiseWindowS", 10) * 1000) / Math.max(1000, periodMs) : needed;
    if (name !== undefined && possible < needed && needed <= number("raiseWindowS", 10)) {
      faults.push(
        faultAt(root, at("device"), {
          code: "CONFIG_WRONG_VALUE",
          message: `rules.${rule}: ${name} is read every ${String(periodMs)} ms, so the rule could never be raised`,
          expected: "a device that is read every 1000 ms, or a lower raiseMinValidS",
          example: "periodMs: 1000",
        }),
      );
    }
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

function unknownName(
  root: DocumentNode,
  path: readonly (string | number)[],
  what: string,
  name: string,
  known: readonly string[],
  section: string,
): DocumentFault {
  const near = didYouMean(name, known);
  const expected = known.length === 0 ? `a ${what} that is defined under ${section}` : `one of ${known.join(", ")}`;
  return faultAt(root, path, {
    code: "CONFIG_REFERENCE",
    message: `${path.join(".")}: no ${what} is called ${JSON.stringify(name)}`,
    expected,
    ...(known[0] === undefined ? {} : { example: `${what}: ${near ?? known[0]}` }),
    ...(near === undefined ? {} : { suggestion: near }),
  });
}

function keysOf(root: DocumentNode, path: readonly (string | number)[]): string[] {
  const node = nodeAt(root, path);
  return node?.type === "map" ? node.entries.map(({ key }) => key) : [];
}

function textAt(root: DocumentNode, path: readonly (string | number)[]): string | undefined {
  const node = nodeAt(root, path);
  return node?.type === "scalar" && typeof node.value === "string" ? node.value : undefined;
}
