import type { BusConfig } from "../../drivers/bus/bus-config.ts";
import type { BusPort } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { FittingProfile } from "../probe/guess.ts";
import { BAUD_RATES, type LineSettings, PARITIES, scanBus } from "../probe/scan-bus.ts";
import type { WiringFault } from "../probe/wiring.ts";
import { listen, type Talker } from "./listen.ts";

export interface FoundUnit extends LineSettings {
  readonly unit: number;
  /** The likeliest first; none where a register gave no level. */
  readonly fits: readonly FittingProfile[];
}

/** What one port is good for. */
export type PortFindings =
  | { readonly kind: "talker"; readonly talker: Talker }
  | {
      readonly kind: "bus";
      readonly framing?: "rtu" | "tcp";
      readonly units: readonly FoundUnit[];
      readonly wiring: readonly WiringFault[];
    }
  /** Nobody was found, and what the line's bytes say of it. */
  | { readonly kind: "nobody"; readonly wiring: readonly WiringFault[] }
  | { readonly kind: "closed"; readonly code: string; readonly message: string; readonly hint: string };

export interface SurveyOptions {
  readonly first: number;
  readonly last: number;
  readonly onProgress?: (share: number, what: string) => void;
}

/** Listens on a port, then asks every unit at the usual settings. Never throws for what a port may do. */
export async function surveyPort(port: BusPort, options: SurveyOptions): Promise<PortFindings> {
  try {
    const talker = await listen(port, (baudRate, share) => options.onProgress?.(share / 4, `${baudRate}`));
    if (talker !== undefined) return { kind: "talker", talker };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const { code, message, hint } = error;
    return { kind: "closed", code, message, hint };
  }
  if ("serial" in port) return scan({ port, settings: { baudRate: 9600, parity: "none" } }, options);
  const overTcp = await scan({ port, settings: { framing: "tcp" } }, options);
  return overTcp.kind === "nobody" ? scan({ port, settings: { framing: "rtu" } }, options) : overTcp;
}

async function scan(bus: BusConfig, { first, last, onProgress }: SurveyOptions): Promise<PortFindings> {
  const units: FoundUnit[] = [];
  const wiring: WiringFault[] = [];
  for await (const step of scanBus(bus, { first, last, baudRates: BAUD_RATES, parities: PARITIES })) {
    if ("share" in step) {
      const { baudRate, parity } = step.trying;
      onProgress?.(
        0.25 + step.share * 0.75,
        baudRate === undefined ? (bus.settings.framing ?? "") : `${baudRate} ${parity}`,
      );
    } else if ("unit" in step) units.push(step);
    else if ("wiring" in step) wiring.push(step.wiring);
    else if (units.length === 0) return { kind: "closed", ...step };
  }
  if (units.length === 0) return { kind: "nobody", wiring };
  const { framing } = bus.settings;
  return { kind: "bus", units, wiring, ...(framing !== undefined && { framing }) };
}
