import { useComputed } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { CaseView } from "../../../api/schema/desk.ts";
import { nowMs } from "../clock.ts";
import { isDeskLoaded, isEnded } from "../state/desk.ts";
import { chooseOrder, countOf, order, SHOWS, type Show, searched, show, shownCases } from "../state/desk-list.ts";
import { isUnseen, lookAtAll, unseenCases } from "../state/looked-at.ts";
import { may } from "../state/session.ts";
import { formatAge, formatLevel, formatRunning } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { CaseTags, caseName } from "./case-head.tsx";
import { DueOfCase } from "./due-time.tsx";
import { Icon } from "./icon.tsx";
import { StateBadge } from "./state-badge.tsx";

/** As many rows as a screen can hold several times over; the rest comes when it is asked for. */
const FIRST_ROWS = 100;

export interface CaseListProps {
  readonly selectedId: string | undefined;
  readonly onReport: () => void;
  readonly onHelp: () => void;
}

export function CaseList({ selectedId, onReport, onHelp }: CaseListProps) {
  const [rows, setRows] = useState(FIRST_ROWS);
  const list = shownCases.value;
  useEffect(() => setRows(FIRST_ROWS), [show.value, order.value]);
  // A walk by keyboard may lead past the last row that is drawn.
  const at = list.findIndex(({ id }) => id === selectedId);
  const shown = list.slice(0, Math.max(rows, at + 2));
  useEffect(() => {
    document.querySelector(".case-row[aria-current]")?.scrollIntoView({ block: "nearest" });
  }, [selectedId, at]);
  return (
    <section class="case-list" aria-label={t("desk.cases")}>
      <ListTop onReport={onReport} />
      {isDeskLoaded.value && list.length === 0 && (
        <div class="empty">
          <Icon name="closed" size={28} />
          <p>{t(searched.value === "" ? `desk.none.${show.value}` : "desk.none-found")}</p>
        </div>
      )}
      <ul>
        {shown.map((view) => (
          <li key={view.id}>
            <CaseRow view={view} isSelected={view.id === selectedId} />
          </li>
        ))}
        {shown.length < list.length && (
          <li class="case-list-more">
            <button type="button" class="button is-small" onClick={() => setRows(rows + FIRST_ROWS)}>
              {t("desk.more", { n: list.length - shown.length })}
            </button>
          </li>
        )}
      </ul>
      <p class="keys">
        <Unseen />
        <button type="button" class="chip" onClick={onHelp} aria-keyshortcuts="?">
          <Icon name="keyboard" size={14} /> <kbd>{"?"}</kbd> {t("desk.keys")}
        </button>
      </p>
    </section>
  );
}

function ListTop({ onReport }: { readonly onReport: () => void }) {
  return (
    <div class="case-list-top">
      <div class="list-line">
        <label class="search">
          <Icon name="search" size={14} />
          <input
            type="search"
            value={searched.value}
            onInput={(event) => {
              searched.value = event.currentTarget.value;
            }}
            placeholder={t("desk.search")}
            aria-label={t("desk.search")}
            aria-keyshortcuts="/"
            data-search
          />
        </label>
        {may("actOnCases") && (
          <button type="button" class="button is-small" onClick={onReport} aria-keyshortcuts="r" data-report>
            <Icon name="plus" size={13} /> {t("desk.report")}
          </button>
        )}
      </div>
      <div class="shows" role="tablist" aria-label={t("desk.show")}>
        {SHOWS.map((which) => (
          <ShowTab key={which} which={which} />
        ))}
      </div>
      {show.value !== "ended" && (
        <div class="list-line orders" role="tablist" aria-label={t("desk.order")}>
          {(["time", "newest"] as const).map((which) => (
            <button
              key={which}
              type="button"
              role="tab"
              class="order"
              aria-selected={which === order.value}
              onClick={() => chooseOrder(which)}
              data-order={which}
            >
              {t(`desk.order.${which}`)}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function ShowTab({ which }: { readonly which: Show }) {
  const n = countOf(which);
  const isAlert = n > 0 && (which === "overdue" || which === "to-locate");
  return (
    <button
      type="button"
      role="tab"
      class={`show${isAlert ? " is-alert" : ""}`}
      aria-selected={which === show.value}
      onClick={() => {
        show.value = which;
      }}
      data-show={which}
    >
      {which === "overdue" && <Icon name="overdue" size={12} />}
      {t(`desk.show.${which}`)} <span class="segment-count">{n}</span>
    </button>
  );
}

/** What still sounds, and one press that says: all seen. */
function Unseen() {
  const n = unseenCases.value.length;
  if (n === 0) return null;
  return (
    <button type="button" class="chip is-warning" onClick={lookAtAll} aria-keyshortcuts="m" data-look-at-all>
      <Icon name="sound" size={14} /> {t("desk.look-at-all", { n })}
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
        <DueOfCase view={view} />
      </span>
      <span class="case-row-name">
        <span class="case-number">#{view.number}</span> {caseName(view)}
      </span>
      <span class="case-row-foot">
        <span>
          {view.family === "report"
            ? (view.siteName ?? view.address ?? t("family.report"))
            : t(`family.${view.family}`)}
        </span>
        <span title={t("case.open-since")}>{age}</span>
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
