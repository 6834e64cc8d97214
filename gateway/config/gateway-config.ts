import type { BusPort, BusSettings, Driver } from "../../drivers/driver.ts";
import type { CameraSettings } from "../contracts/cameras.ts";
import type { ViolationSettings } from "../contracts/violations.ts";
import type { MeterSection } from "./meter-schema.ts";
import type { AnyRule } from "./rule-schema.ts";
import type { GatewayDocument } from "./schema.ts";
import type { ViolationRule } from "./violation-schema.ts";
import type { WeatherSection } from "./weather-schema.ts";

/** One device, ready for the supervisor: its driver and the very value that the driver's schema describes. */
export interface DeviceConfig {
  readonly id: string;
  readonly driver: Driver;
  /** False: it is listed and not started. */
  readonly isEnabled: boolean;
  /** The instrument's facts, where somebody entered them. */
  readonly meter?: MeterSection;
  /** Where its weather comes from; absent: from itself. */
  readonly weather?: WeatherSection;
  /** Checked against `driver.config`; bus names are replaced by `{port, settings}`. */
  readonly config: unknown;
}

/** A bus of the config, as a driver receives it. */
export interface ResolvedBus {
  readonly port: BusPort;
  readonly settings: BusSettings;
}

/** A permit with its times as UTC. */
export interface PermitConfig {
  readonly id: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Absent: every rule. */
  readonly rules?: readonly string[];
}

/** The whole config, checked: nothing in it needs another look. */
export interface GatewayConfig
  extends Omit<GatewayDocument, "devices" | "cameras" | "rules" | "permits" | "buses" | "timeZone" | "site"> {
  readonly site?: NonNullable<GatewayDocument["site"]>;
  /** Of the site, else the node's own, else UTC. */
  readonly timeZone: string;
  readonly buses: Readonly<Record<string, ResolvedBus>>;
  readonly devices: readonly DeviceConfig[];
  readonly cameras: readonly CameraSettings[];
  /** Of noise. */
  readonly rules: readonly ({ readonly name: string } & Exclude<AnyRule, ViolationRule>)[];
  /** Of cameras. */
  readonly violations: readonly ViolationSettings[];
  readonly permits: readonly PermitConfig[];
  /** SHA-256 of the file's bytes, for the `start` record. */
  readonly sha256: string;
  /** Of what it says, see content-hash.ts. */
  readonly contentSha256: string;
}
