import { useComputed } from "@preact/signals";
import { useState } from "preact/hooks";
import type { CaseView } from "../../../api/schema/desk.ts";
import { nowMs } from "../clock.ts";
import { casesInOrder, isDeskLoaded, isEnded } from "../state/desk.ts";
import { isUnseen } from "../state/looked-at.ts";
import { formatAge, formatLevel, formatRunning } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { CaseTags, caseName } from "./case-head.tsx";
import { Icon } from "./icon.tsx";
import { StateBadge } from "./state-badge.tsx";

type Show = "going" | "ended";

export function CaseList({ selectedId }: { readonly selectedId: string | undefined }) {
  const [show, setShow] = useState<Show>("going");
  const going = casesInOrder.value.filter((view) => !isEnded(view));
  const ended = casesInOrder.value.filter(isEnded);
  const shown = show === "going" ? going : ended;
  return (
    <section class="case-list" aria-label={t("desk.cases")}>
      <div class="segments" role="tablist" aria-label={t("desk.show")}>
        <Segment show="going" now={show} count={going.length} onChoose={setShow} />
        <Segment show="ended" now={show} count={ended.length} onChoose={setShow} />
      </div>
      {isDeskLoaded.value && shown.length === 0 && (
        <div class="empty">
          <Icon name="closed" size={28} />
          <p>{t(show === "going" ? "desk.none-going" : "desk.none-ended")}</p>
        </div>
      )}
      <ul>
        {shown.map((view) => (
          <li key={view.id}>
            <CaseRow view={view} isSelected={view.id === selectedId} />
          </li>
        ))}
      </ul>
      <p class="footnote keys">
        <Icon name="keyboard" size={14} /> {t("desk.keys")}
      </p>
    </section>
  );
}

interface SegmentProps {
  readonly show: Show;
  readonly now: Show;
  readonly count: number;
  readonly onChoose: (show: Show) => void;
}

function Segment({ show, now, count, onChoose }: SegmentProps) {
  return (
    <button type="button" role="tab" class="segment" aria-selected={show === now} onClick={() => onChoose(show)}>
      {t(`desk.show.${show}`)} <span class="segment-count">{count}</span>
    </button>
  );
}

function CaseRow({ view, isSelected }: { readonly view: CaseView; readonly isSelected: boolean }) {
  const age = useComputed(() => formatAge(locale.value, nowMs.value - view.openedAtMs));
  const crew =
    view.assignment && !["proposed", "declined", "withdrawn"].includes(view.assignment.state)
      ? view.assignment.crewName
      : undefined;
  return (
    <a
      class={`case-row tone-${view.state}${isUnseen(view.id) ? " is-unseen" : ""}${isEnded(view) ? " is-ended" : ""}`}
      href={`/desk/${encodeURIComponent(view.id)}`}
      data-case={view.id}
      {...(isSelected ? { "aria-current": "true" as const } : {})}
    >
      <span class="case-row-top">
        <StateBadge state={view.state} />
        <CaseTags view={view} />
        <span class="case-row-age">{age}</span>
      </span>
      <span class="case-row-name">
        <span class="case-number">#{view.number}</span> {caseName(view)}
      </span>
      <span class="case-row-foot">
        <span>{t(`family.${view.family}`)}</span>
        {crew !== undefined && (
          <span class="case-row-crew">
            <Icon name="crew" size={12} /> {crew}
          </span>
        )}
        {view.state === "open" && view.autoDispatchAtMs !== undefined && <LeftTime atMs={view.autoDispatchAtMs} />}
        {view.levelDb !== undefined && (
          <span class="case-row-level">
            {formatLevel(locale.value, view.levelDb)} <small>{t("unit.dba")}</small>
          </span>
        )}
      </span>
    </a>
  );
}

function LeftTime({ atMs }: { readonly atMs: number }) {
  const text = useComputed(() => t("desk.auto-in", { time: formatRunning(atMs - nowMs.value) }));
  return <span class="case-row-auto">{text}</span>;
}
