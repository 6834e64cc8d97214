import type { CrewActName } from "../../../protocol/assignment.ts";
import type { LiveView } from "../../contracts/live-view.ts";

/** What the page shows and what it can do; JSON that its script reads. The stages behind it meet in `local-page.ts`. */
export interface PageSource {
  /** Everything of the first screen. */
  state(): Promise<object>;
  /** Lines after that number. */
  logs(since: number): readonly object[];
  /** Somebody who has signed in is shown the assignments. */
  seen(): Promise<void>;
  /** @returns whether it is on the disk; else it is kept in memory until it is @throws GatewayError */
  act(assignmentId: string, act: CrewActName, cause: string | undefined): Promise<boolean>;
  /** Raises an alarm that calls itself a test, and clears it by itself. @throws GatewayError */
  testAlarm(): Promise<{ readonly alarmId: string }>;
  /** The cameras; undefined: there are none. */
  live(): LiveView | undefined;
  /** A `.tar.gz` without secrets. */
  diagnostics(): Promise<Uint8Array>;
}
