import type { AssignmentState, CaseState } from "../../../api/schema/desk.ts";
import { t } from "../text/locale.ts";
import { Icon, type IconName } from "./icon.tsx";

export function StateBadge({ state }: { readonly state: CaseState }) {
  return (
    <span class={`badge tone-${state}`} data-state={state}>
      <Icon name={state} size={14} />
      {t(`state.${state}`)}
    </span>
  );
}

const ASSIGNMENT_LOOK: Readonly<Record<AssignmentState, { readonly icon: IconName; readonly tone: CaseState }>> = {
  proposed: { icon: "crew", tone: "assigned" },
  assigned: { icon: "assigned", tone: "assigned" },
  acknowledged: { icon: "acknowledged", tone: "acknowledged" },
  declined: { icon: "false-alarm", tone: "false-alarm" },
  "en-route": { icon: "en-route", tone: "en-route" },
  "on-scene": { icon: "on-scene", tone: "on-scene" },
  done: { icon: "resolved", tone: "resolved" },
  withdrawn: { icon: "back", tone: "false-alarm" },
};

export function AssignmentBadge({ state }: { readonly state: AssignmentState }) {
  const { icon, tone } = ASSIGNMENT_LOOK[state];
  return (
    <span class={`badge tone-${tone}`} data-assignment={state}>
      <Icon name={icon} size={14} />
      {t(`assignment.${state}`)}
    </span>
  );
}
