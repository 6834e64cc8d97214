import type { AssignmentState, CrewAct } from "../../../api/schema/desk.ts";

export type CrewActName = CrewAct["act"];

/** What the crew does next, the main button first. */
export function nextActs(state: AssignmentState): readonly CrewActName[] {
  switch (state) {
    case "assigned":
      return ["acknowledge", "decline"];
    case "acknowledged":
      return ["en-route", "on-scene", "decline"];
    case "en-route":
      return ["on-scene", "decline"];
    case "on-scene":
      return ["resolved"];
    case "proposed":
    case "declined":
    case "done":
    case "withdrawn":
      return [];
  }
}

const AFTER: Readonly<Record<CrewActName, AssignmentState>> = {
  acknowledge: "acknowledged",
  decline: "declined",
  "en-route": "en-route",
  "on-scene": "on-scene",
  resolved: "done",
};

/** The state as it will be once the acts that wait have been taken: the page goes on in a dead spot. */
export const stateAfter = (state: AssignmentState, acts: readonly CrewActName[]): AssignmentState => {
  const last = acts.at(-1);
  return last === undefined ? state : AFTER[last];
};
