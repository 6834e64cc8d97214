import type { Figures } from "../analysis/figures.ts";
import type { Link } from "../broker/link.ts";
import type { ConfigDesk } from "../dispatch/config-desk.ts";
import type { NodeCommands } from "../dispatch/node-commands.ts";
import type { Rollouts } from "../dispatch/rollouts.ts";
import type { BlobFiles } from "../evidence/blob-files.ts";
import type { Authority } from "../fleet/authority.ts";
import type { AccountFacts } from "../roster/accounts.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Store } from "../store/database.ts";
import type { Logger } from "../store/logger.ts";
import type { CaseworkPort } from "./casework-port.ts";
import type { DeskPort } from "./desk-port.ts";
import type { EventHub } from "./event-hub.ts";
import type { LatestStills } from "./latest-stills.ts";
import type { LiveLeases } from "./live-leases.ts";
import type { LiveVideo } from "./live-video.ts";
import type { RoomSource } from "./room-metrics.ts";

export interface ApiLimits {
  /** Sign-ins and one-time links per address and minute. */
  readonly signInsPerMinute: number;
  readonly enrolmentsPerMinute: number;
  readonly requestsPerMinute: number;
}

export const DEFAULT_LIMITS: ApiLimits = { signInsPerMinute: 20, enrolmentsPerMinute: 60, requestsPerMinute: 3000 };

export interface ApiOptions {
  readonly store: Store;
  readonly authority: Authority;
  readonly desk: DeskPort;
  readonly casework: CaseworkPort;
  readonly figures: Figures;
  readonly link: Link;
  readonly commands: NodeCommands;
  readonly configs: ConfigDesk;
  readonly rollouts: Rollouts;
  /** Offered to the public, or to who shows the key; absent: not at all. */
  readonly open311?: { readonly jurisdictionId: string; readonly maxDays: number; readonly key?: string };
  readonly evidenceFiles: BlobFiles;
  readonly clock: BridgeClock;
  readonly log: Logger;
  readonly tls: { readonly cert: string; readonly key: string } | "insecure-loopback";
  /** Where nodes connect, for who enrols. */
  readonly mqttUrl: string;
  /** Where people and `shao enroll` reach this server; known when it listens. */
  readonly publicUrl: () => string;
  /** Of the city: what calendars go by that name no other. */
  readonly timeZone: string;
  /** Folder of the built console. */
  readonly consoleFolder: string;
  readonly version: string;
  /** What a scraper of /metrics shows as Bearer token. */
  readonly metricsToken: string;
  readonly topicPrefix?: string;
  readonly limits?: ApiLimits;
  /** Tests: every answer is checked against its schema too. */
  readonly checkAnswers?: boolean;
  /** What the bridge's data takes, for /metrics. */
  readonly room?: RoomSource;
  /** More facts for /health, e.g. of the writer. */
  readonly facts?: () => Record<string, unknown>;
  /** Somebody watches this meter from now on, until then. */
  readonly onLease?: (node: string, device: string, untilMs: number) => void;
  /** The same of a camera's video, told before its node is asked; in the past: nobody watches it here any more. */
  readonly onVideo?: (node: string, camera: string, untilMs: number) => void;
  /** Whether another process of this bridge watches this video. */
  readonly isVideoElsewhere?: (node: string, camera: string) => boolean;
  /** An event was handed to the socket of this account's stream. */
  readonly onEventWritten?: (name: string, data: string, account: AccountFacts) => void;
  /** What a crew's page that connects has to be shown again: data of `assignment` events. */
  readonly undelivered?: (crewId: string) => Promise<readonly string[]>;
}

export interface ApiContext extends ApiOptions {
  readonly hub: EventHub;
  readonly leases: LiveLeases;
  readonly stills: LatestStills;
  readonly video: LiveVideo;
  readonly cookieName: string;
  readonly applied: ApiLimits;
}
