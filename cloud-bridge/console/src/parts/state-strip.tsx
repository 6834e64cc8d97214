import type { CaseState, CaseView, TimelineEntry } from "../../../api/schema/desk.ts";
import { formatTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { Icon } from "./icon.tsx";

const WAY: readonly CaseState[] = [
  "open",
  "assigned",
  "acknowledged",
  "en-route",
  "on-scene",
  "resolved",
  "verifying",
  "closed",
];

export interface StripProps {
  readonly view: CaseView;
  readonly timeline: readonly TimelineEntry[];
  readonly timeZone: string | undefined;
}

/** The way of a case as a picture: what is behind it, where it stands, what is still to come; off the way, why. */
export function StateStrip({ view, timeline, timeZone }: StripProps) {
  const reached = reachedAt(view, timeline);
  const current = WAY.indexOf(view.state);
  const isOffWay = current < 0;
  const lastReached = isOffWay ? Math.max(0, ...WAY.map((state, i) => (reached.has(state) ? i : 0))) : current;
  return (
    <ol class={`strip${isOffWay ? " is-off-way" : ""}`} aria-label={t("strip.label")}>
      {WAY.map((state, i) => {
        const atMs = reached.get(state);
        const isNow = i === current;
        const isDone = i < lastReached || (isOffWay && i === lastReached) || (isNow && state === "closed");
        const isSkipped = isDone && atMs === undefined;
        const place = isNow ? "now" : isSkipped ? "skipped" : isDone ? "done" : "ahead";
        return (
          <li
            key={state}
            class={`step is-${place} tone-${state}`}
            {...(isNow ? { "aria-current": "step" as const } : {})}
          >
            <span class="step-dot">
              <Icon name={state} size={isNow ? 16 : 13} />
            </span>
            <span class="step-name">{t(`state.${state}`)}</span>
            <span class="step-time">
              {atMs !== undefined && i <= lastReached ? (
                formatTime(locale.value, atMs, timeZone)
              ) : (
                <span class="sr">{t(`strip.${place}`)}</span>
              )}
            </span>
          </li>
        );
      })}
      {isOffWay && (
        <li class={`step is-now is-aside tone-${view.state}`} aria-current="step">
          <span class="step-dot">
            <Icon name={view.state} size={16} />
          </span>
          <span class="step-name">{t(`state.${view.state}`)}</span>
          <span class="step-time">{formatTime(locale.value, view.updatedAtMs, timeZone)}</span>
        </li>
      )}
    </ol>
  );
}

/** The newest time at which each state was entered: a case that went back has its later round shown. */
function reachedAt(view: CaseView, timeline: readonly TimelineEntry[]): Map<CaseState, number> {
  const reached = new Map<CaseState, number>([["open", view.openedAtMs]]);
  for (const entry of timeline) {
    const state = enteredState(entry);
    if (state !== undefined) reached.set(state, entry.serverTimeMs);
  }
  if (view.closedAtMs !== undefined && view.state === "closed") reached.set("closed", view.closedAtMs);
  return reached;
}

function enteredState({ kind, detail }: TimelineEntry): CaseState | undefined {
  const to = detail?.["to"] ?? detail?.["state"] ?? kind;
  return WAY.find((state) => state === to);
}
