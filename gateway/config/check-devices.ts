import { type TSchema, Type } from "typebox";
import type { Driver } from "../../drivers/driver.ts";
import { checkDocument } from "../../protocol/document/check-document.ts";
import { type LooseSchema, looseSchema } from "../../protocol/document/describe-schema.ts";
import { didYouMean } from "../../protocol/document/did-you-mean.ts";
import type { DocumentFault, Place } from "../../protocol/document/fault.ts";
import { type DocumentNode, faultAt, nodeAt } from "../../protocol/document/parse-document.ts";
import { MeterSection } from "./meter-schema.ts";
import { WeatherSection } from "./weather-schema.ts";

/** One device of the YAML, checked. */
interface DeviceSection extends Record<string, unknown> {
  readonly enabled?: boolean;
  readonly meter?: MeterSection;
  readonly weather?: WeatherSection;
}

/** What the loader needs of drivers/registry.ts. */
export type DriverCatalogue = readonly { readonly kind: string; load(): Promise<Driver> }[];

/** A device with a known driver; its settings are whole where there are no faults, and bus names are still names. */
export interface FoundDevice {
  readonly id: string;
  readonly driver: Driver;
  readonly isEnabled: boolean;
  readonly meter?: MeterSection;
  readonly weather?: WeatherSection;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Holds each device against the schema of the driver that it names. */
export async function checkDevices(
  root: DocumentNode,
  drivers: DriverCatalogue,
): Promise<{ readonly found: readonly FoundDevice[]; readonly faults: DocumentFault[] }> {
  const found: FoundDevice[] = [];
  const faults: DocumentFault[] = [];
  const devices = nodeAt(root, ["devices"]);
  const kinds = drivers.map(({ kind }) => kind);
  for (const { key: id, keyAt, value } of devices?.type === "map" ? devices.entries : []) {
    if (value.type !== "map") {
      faults.push({
        code: "CONFIG_WRONG_TYPE",
        path: `devices.${id}`,
        at: value.at,
        message: `devices.${id}: not the settings of a device`,
        expected: `a device: driver: one of ${kinds.join(", ")}, and that driver's settings`,
        example: `${id}: { driver: modbus-noise, bus: rs485, unit: 1 }`,
      });
      continue;
    }
    const named = nodeAt(value, ["driver"]);
    const kind = named?.type === "scalar" && typeof named.value === "string" ? named.value : undefined;
    const driver = await drivers.find((entry) => entry.kind === kind)?.load();
    if (driver === undefined) {
      const near = kind === undefined ? undefined : didYouMean(kind, kinds);
      const fault = {
        message:
          kind === undefined
            ? `devices.${id} names no driver`
            : `devices.${id}: no driver is called ${JSON.stringify(kind)}`,
        expected: `driver: one of ${kinds.join(", ")}`,
        example: `driver: ${kinds[0] ?? "modbus-noise"}`,
        ...(near === undefined ? {} : { suggestion: near }),
      };
      if (named === undefined)
        faults.push({ code: "CONFIG_MISSING_KEY", path: `devices.${id}.driver`, at: keyAt, ...fault });
      else faults.push(faultAt(root, ["devices", id, "driver"], { code: "CONFIG_WRONG_VALUE", ...fault }));
      continue;
    }
    const checked = checkDocument(deviceSchema(driver, root), value, { path: ["devices", id], keyAt });
    const { driver: _, enabled, meter, weather, ...config } = (checked.value ?? {}) as DeviceSection;
    faults.push(...checked.faults);
    if (checked.faults.length === 0) faults.push(...ownFaults(root, id, keyAt, driver, config));
    found.push({
      id,
      driver,
      isEnabled: enabled !== false,
      ...(meter === undefined ? {} : { meter }),
      ...(weather === undefined ? {} : { weather }),
      config,
    });
  }
  return { found, faults };
}

/** The schema of one device in the YAML: its driver's, and what the gateway itself reads. */
export function deviceSchema(driver: Driver, root?: DocumentNode): TSchema {
  const own: Record<string, LooseSchema> = {};
  for (const [key, property] of Object.entries(looseSchema(driver.config).properties ?? {})) {
    own[key] = isBusReference(property) ? { ...property, ...busNote(root) } : property;
  }
  const enabled = Type.Boolean({ default: true, title: "Started", description: "false: listed, not started." });
  const schema = Type.Object({
    driver: Type.Literal(driver.kind),
    enabled,
    meter: Type.Optional(MeterSection),
    weather: Type.Optional(WeatherSection),
  });
  const required = [...(schema.required ?? []), ...(looseSchema(driver.config).required ?? [])];
  return { ...driver.config, ...schema, properties: { ...schema.properties, ...own }, required } as TSchema;
}

/** Whether a property of a driver's config is the name of a bus (see drivers/bus/bus-config.ts). */
export function isBusReference(property: object): boolean {
  return (property as Readonly<Record<string, unknown>>)["x-shao"] === "bus";
}

function busNote(root: DocumentNode | undefined): Pick<LooseSchema, "expected" | "examples"> {
  const buses = root === undefined ? undefined : nodeAt(root, ["buses"]);
  const first = buses?.type === "map" ? buses.entries[0]?.key : undefined;
  return { expected: "the name of a bus under `buses`", examples: [first ?? "rs485"] };
}

/** What the driver itself finds wrong with settings that fit its schema. */
function ownFaults(
  root: DocumentNode,
  id: string,
  keyAt: Place,
  driver: Driver,
  config: Readonly<Record<string, unknown>>,
): DocumentFault[] {
  return (driver.check?.(config) ?? []).map(({ pointer, message, hint }) => {
    const path = ["devices", id, ...pointer.split("/").slice(1)];
    const fault = { code: "CONFIG_WRONG_VALUE", message: `devices.${id}: ${message}`, expected: hint } as const;
    return pointer === "" ? { ...fault, path: path.join("."), at: keyAt } : faultAt(root, path, fault);
  });
}
