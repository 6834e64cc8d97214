import type { ConfigTwin } from "./config/config-twin.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { EvidenceTaker } from "./contracts/evidence.ts";
import type { GatewayFaultSpec, GatewayNegativeControl } from "./contracts/fault-points.ts";
import type { Logger } from "./contracts/logger.ts";
import type { HandOver } from "./journal/holding-writer.ts";
import type { LocalHealth } from "./local/local-server.ts";
import type { NodePulse } from "./node-report.ts";

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly version: string;
  readonly log: Logger;
  /** The system's UTC; another one in tests. */
  readonly systemMs?: () => number;
  readonly faultPoint?: GatewayFaultSpec;
  readonly negativeControl?: GatewayNegativeControl;
  /** Says to the person who starts it what stands in no log: the PIN of the local page, when it is made. */
  readonly tell?: (text: string) => void;
  /** Which config is in force; absent: `config`, whatever comes. */
  readonly twin?: ConfigTwin;
  /** What outlives a gateway in this process: read at its start, written at its end. */
  readonly memory?: GatewayMemory;
}

export interface GatewayMemory {
  handOver: HandOver | undefined;
}

/** Why a gateway ended by itself. A new one should be started, except after `parked`, when the box may be switched off. */
export type GatewayEnd = "restart" | "journal-broken" | "parked";

/** A running gateway. */
export interface Gateway {
  readonly run: string;
  /** Of the local health page, where there is one. */
  readonly localPort: number | undefined;
  /** Of the local page for people, where there is one. */
  readonly pagePort: number | undefined;
  readonly ended: Promise<GatewayEnd>;
  readonly evidence: EvidenceTaker;
  health(): Promise<LocalHealth>;
  /** Resolves once the journal's thread has answered: what a watchdog asks. */
  pulse(): Promise<NodePulse>;
  /** Ends cleanly: drivers, last records, goodbye to the bridge, journal. */
  stop(): Promise<void>;
}
