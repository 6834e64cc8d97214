import { useComputed } from "@preact/signals";
import type { CaseView } from "../../../api/schema/desk.ts";
import { type Due, dueOf, leftMs } from "../state/desk-list.ts";
import { formatAge, formatDayTime, formatRunning } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { Icon, type IconName } from "./icon.tsx";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Within this it runs by the second and has a colour. */
const SOON_MS = 10 * MINUTE_MS;

type Standing = "overdue" | "soon" | "paused" | "ahead";

const LOOK: Readonly<Record<Standing, { readonly icon: IconName; readonly mood: string }>> = {
  overdue: { icon: "overdue", mood: "is-bad" },
  soon: { icon: "soon", mood: "is-warning" },
  paused: { icon: "suspended", mood: "is-dim" },
  ahead: { icon: "clock", mood: "is-dim" },
};

function standingOf(due: Due): Standing {
  const left = leftMs(due);
  if (left < 0) return "overdue";
  if (due.pausedAtMs !== undefined) return "paused";
  return left < SOON_MS ? "soon" : "ahead";
}

function words(due: Due): string {
  const left = leftMs(due);
  if (left < 0) return t("due.overdue", { time: formatAge(locale.value, -left) });
  const time = left < SOON_MS ? formatRunning(left) : spanWords(left);
  return t(due.pausedAtMs === undefined ? "due.left" : "due.paused", { time });
}

/** Of a few hours the minutes count as well. */
function spanWords(ms: number): string {
  const hours = Math.floor(ms / HOUR_MS);
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  if (hours < 1 || hours >= 10) return formatAge(locale.value, ms);
  return `${t("unit.hours", { n: hours })} ${t("unit.minutes", { n: minutes })}`;
}

export interface DueTagProps {
  readonly due: Due;
  readonly timeZone?: string | undefined;
}

/** How much time is left for what comes next: by colour, shape and word. */
export function DueTag({ due, timeZone }: DueTagProps) {
  const standing = useComputed(() => standingOf(due)).value;
  const text = useComputed(() => words(due));
  const { icon, mood } = LOOK[standing];
  const at = formatDayTime(locale.value, due.atMs, timeZone);
  return (
    <span
      class={`due ${mood}`}
      data-due={standing}
      title={`${t(`due.${due.what}`)} ${at} · ${t(`due.clock.${due.clock}`)}`}
    >
      <Icon name={icon} size={13} />
      <span>{text}</span>
      {due.clock === "working" && <small>{t("due.working")}</small>}
    </span>
  );
}

export function DueOfCase({ view }: { readonly view: CaseView }) {
  const due = dueOf(view);
  return due === undefined ? null : <DueTag due={due} key={`${due.what} ${due.atMs} ${due.pausedAtMs}`} />;
}

/** Both times of a case, with the day, for its head. */
export function DueFacts({ view, timeZone }: { readonly view: CaseView; readonly timeZone: string | undefined }) {
  const { dueArriveAtMs, dueTotalAtMs, clock = "wall" } = view;
  const next = dueOf(view);
  if (next === undefined) return null;
  const ahead = [
    ["arrive", next.what === "arrive" ? dueArriveAtMs : undefined],
    ["total", dueTotalAtMs],
  ] as const;
  return (
    <p class="dues">
      {ahead.map(([what, atMs]) =>
        atMs === undefined ? null : (
          <span key={what}>
            {t(`due.${what}`)} {formatDayTime(locale.value, atMs, timeZone)}
            {what === next.what && <DueTag due={next} timeZone={timeZone} key={`${atMs} ${next.pausedAtMs}`} />}
          </span>
        ),
      )}
      <span class="quiet">{t(`due.clock.${clock}`)}</span>
    </p>
  );
}
