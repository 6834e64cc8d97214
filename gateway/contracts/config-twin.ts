import type { HealthState } from "../../protocol/bodies.ts";
import type { Command } from "../../protocol/session.ts";
import type { ReportedConfig } from "../../protocol/twin.ts";

/** What became of an order; `later`: it is tried, and answered when that is over. */
export type ConfigOutcome =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

export type ConfigCommandFacts = Pick<Command, "id" | "kind" | "issuedAtMs" | "expiresAtMs">;

/** What a running gateway shows of itself while a config is tried. */
export interface TrialSubject {
  states(): ReadonlyMap<string, HealthState>;
  isUplinkUp(): boolean;
  upMs(): number;
  sleep(ms: number): Promise<void>;
  readonly signal: AbortSignal;
  /** Ends this gateway so that the next one starts with what is in force then. */
  restart(): void;
}

/** The node's side of the config twin, as a running gateway uses it. */
export interface NodeTwin {
  readonly reported: ReportedConfig;
  /** Takes a config from the bridge, or tells what is in force. */
  order(command: Command, states: ReadonlyMap<string, HealthState>): Promise<ConfigOutcome | "later">;
  /** The config that this command brought is on trial. */
  isTrying(command: string): boolean;
  /** A gateway runs with the config that is in force: tries it, if it is on trial. */
  runs(subject: TrialSubject): void;
  /** Who gives answers that come late. Never rejects: what cannot be given now is given after the next start. */
  answerBy(give: (command: ConfigCommandFacts, outcome: ConfigOutcome) => Promise<void>): Promise<void>;
}
