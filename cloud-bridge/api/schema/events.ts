import { type Static, Type } from "typebox";
import { LiveLevel } from "../../../protocol/session.ts";
import { Assignment, CaseView, TimelineEntry } from "./desk.ts";
import { Presence } from "./fleet.ts";
import { Flag } from "./roster.ts";

/**
 * Events of `GET /api/v1/events` (SSE). `event:` is the name, `data:` the JSON, `id:` a number given by the elected writer
 * after the commit, so that `Last-Event-ID` resumes without a gap. `welcome`, `live` and `presence` are transient: no id.
 */
export const EVENT_SCHEMAS = {
  welcome: Type.Object({ client: Type.String(), nowMs: Type.Integer() }),
  case: Type.Object({ case: CaseView, entry: Type.Optional(TimelineEntry) }),
  assignment: Type.Object({ assignment: Assignment, case: CaseView }),
  /** A filed crew gives reason to ask, or no longer does: `flag.untilMs` says which. */
  supervision: Type.Object({ flag: Flag, crewName: Type.String(), unitId: Type.String() }),
  presence: Type.Object({ node: Type.String(), presence: Presence }),
  live: Type.Object({ node: Type.String(), device: Type.String(), level: LiveLevel }),
} as const;
export type EventName = keyof typeof EVENT_SCHEMAS;
export type EventOf<N extends EventName> = Static<(typeof EVENT_SCHEMAS)[N]>;
