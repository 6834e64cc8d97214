import type { AlarmState } from "../../cloud-bridge/alarms/reduce.ts";
import type { GroupingCase } from "../../cloud-bridge/cases/grouping.ts";
import type { HelloState } from "../../cloud-bridge/ingest/hello-state.ts";
import type { LedgerRun } from "../../cloud-bridge/store/ledger.ts";

export interface ModelCase extends GroupingCase {
  isOpen: boolean;
  state: string;
  lastAlarmAtMs: number;
  readonly alarms: { readonly alarmId: string; readonly how: string }[];
}

/** The bridge's database: all that outlives a crash, and all that a backup brings back. */
export interface Database {
  readonly bridge: string;
  epoch: string;
  /** Whose connection holds the advisory lock. */
  lock: number;
  session: string | undefined;
  isOnline: boolean;
  /** Newest heard last. */
  hellos: { readonly state: HelloState }[];
  isSettled: boolean;
  readonly ledger: Map<string, LedgerRun>;
  listed: Set<string>;
  readonly inbox: Map<string, string>;
  readonly quarantine: Map<string, string>;
  readonly alarms: Map<string, AlarmState>;
  readonly followUps: { readonly alarmId: string; isPending: boolean }[];
  readonly cases: ModelCase[];
}
