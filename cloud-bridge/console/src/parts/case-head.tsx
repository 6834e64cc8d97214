import { useComputed } from "@preact/signals";
import type { CaseDetail, CaseView } from "../../../api/schema/desk.ts";
import { nowMs } from "../clock.ts";
import { formatAge, formatLevel, formatRunning } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { sayIn } from "../text/sentences.ts";
import { isTextKey } from "../text/translate.ts";
import { DueFacts } from "./due-time.tsx";
import { Icon } from "./icon.tsx";
import { StateBadge } from "./state-badge.tsx";

/** Somebody wrote its title: it says more than the place, of which there may be several such cases. */
const isWritten = ({ family, parentId }: CaseView): boolean => family === "report" || parentId !== undefined;

export const caseName = (view: CaseView): string => (isWritten(view) ? view.title : (view.siteName ?? view.title));

/**
 * What stands below the name: the bridge's title, `rule · site · device`, with the rules that are the bridge's own in the
 * reader's language; of what people reported, its place.
 */
export function caseTitle(view: CaseView): string | undefined {
  const { title } = view;
  if (isWritten(view)) return view.siteName;
  const [rule = "", ...rest] = title.split(" · ");
  const key = `fault.${rule}`;
  return [isTextKey(key) ? t(key) : rule, ...rest].join(" · ");
}

export interface CaseHeadProps {
  readonly view: CaseView;
  readonly timeZone: string | undefined;
}

export function CaseHead({ view, timeZone }: CaseHeadProps) {
  return (
    <header class="case-head">
      <div class="case-head-words">
        <p class="case-kicker">
          <span class="case-number">#{view.number}</span>
          <span>{t(`family.${view.family}`)}</span>
          <CaseTags view={view} />
        </p>
        <h2>{caseName(view)}</h2>
        <p class="quiet">{[caseTitle(view), view.address].filter((one) => one !== undefined).join(" · ")}</p>
        <DueFacts view={view} timeZone={timeZone} />
      </div>
      {view.levelDb !== undefined && (
        <dl class="levels">
          <div>
            <dt>{t("case.level")}</dt>
            <dd>
              {formatLevel(locale.value, view.levelDb)}
              <small>{t("unit.dba")}</small>
            </dd>
          </div>
          {view.peakDb !== undefined && (
            <div class="is-peak">
              <dt>{t("case.peak")}</dt>
              <dd>
                {formatLevel(locale.value, view.peakDb)}
                <small>{t("unit.dba")}</small>
              </dd>
            </div>
          )}
        </dl>
      )}
      <div class="case-head-state">
        <StateBadge state={view.state} />
        <OpenFor view={view} />
      </div>
    </header>
  );
}

export function CaseTags({ view }: { readonly view: CaseView }) {
  return (
    <>
      {view.late && (
        <span class="tag" title={t("case.late.hint")}>
          {t("case.late")}
        </span>
      )}
      {view.isHeld === true && (
        <span class="tag" title={t("case.held.hint")}>
          {t("case.held")}
        </span>
      )}
      {view.toLocate === true && (
        <span class="tag is-warning">
          <Icon name="place" size={11} /> {t("case.to-locate")}
        </span>
      )}
      {view.escalatedTo !== undefined && <span class="tag is-warning">{t("case.supervised")}</span>}
      {view.unwatched && (
        <span class="tag is-warning" title={t("case.unwatched.hint")}>
          {t("case.unwatched")}
        </span>
      )}
    </>
  );
}

function OpenFor({ view }: { readonly view: CaseView }) {
  const text = useComputed(() => {
    const untilMs = view.closedAtMs ?? nowMs.value;
    return t(view.closedAtMs === undefined ? "case.open-for" : "case.took", {
      time: formatAge(locale.value, untilMs - view.openedAtMs),
    });
  });
  return <span class="quiet">{text}</span>;
}

/** The one line that matters now: who will be sent by itself, whom we wait for, what the verifier still misses. */
export function CaseNow({ detail }: { readonly detail: CaseDetail }) {
  const { case: view, candidates } = detail;
  const first = candidates.find(({ eligible }) => eligible);
  if (view.autoDispatchAtMs !== undefined && view.state === "open") {
    return <Countdown view={view} atMs={view.autoDispatchAtMs} crewName={first?.crewName} />;
  }
  if (view.waitingFor.length > 0) {
    return (
      <div class={`now tone-${view.state}`}>
        <Icon name="clock" />
        <div>
          <strong>{t("case.waiting-for")}</strong>
          <ul>
            {view.waitingFor.map((sentence) => (
              <li key={sentence}>{sayIn(locale.value, sentence)}</li>
            ))}
          </ul>
        </div>
      </div>
    );
  }
  const words = nowWords(view);
  if (words === undefined) return null;
  return (
    <div class={`now tone-${view.state}`}>
      <Icon name={view.state} />
      <strong>{words}</strong>
    </div>
  );
}

function nowWords(view: CaseView): string | undefined {
  const crew = view.assignment?.crewName ?? "";
  switch (view.state) {
    case "open":
      if (view.toLocate === true) return t("case.now.to-locate");
      return view.assignment?.state === "proposed" ? t("case.now.proposed", { crew }) : t("case.now.open");
    case "assigned":
      return t("case.now.assigned", { crew });
    case "acknowledged":
      return t("case.now.acknowledged", { crew });
    case "en-route":
      return t("case.now.en-route", { crew });
    case "on-scene":
      return t("case.now.on-scene", { crew });
    default:
      return undefined;
  }
}

interface CountdownProps {
  readonly view: CaseView;
  readonly atMs: number;
  readonly crewName: string | undefined;
}

function Countdown({ view, atMs, crewName }: CountdownProps) {
  const leftMs = Math.max(0, atMs - nowMs.value);
  const wholeMs = Math.max(1, atMs - view.openedAtMs);
  const share = Math.min(1, leftMs / wholeMs);
  const round = 2 * Math.PI * 15;
  return (
    <div class="now is-countdown tone-open" role="timer" aria-live="off">
      <svg class="ring" width="36" height="36" viewBox="0 0 36 36" aria-hidden="true">
        <circle cx="18" cy="18" r="15" class="ring-way" />
        <circle
          cx="18"
          cy="18"
          r="15"
          class="ring-left"
          stroke-dasharray={`${round * share} ${round}`}
          transform="rotate(-90 18 18)"
        />
      </svg>
      <div>
        <strong>
          {crewName === undefined
            ? t("case.auto.nobody", { time: formatRunning(leftMs) })
            : t("case.auto", { crew: crewName, time: formatRunning(leftMs) })}
        </strong>
        <p class="quiet">{t("case.auto.hint")}</p>
      </div>
    </div>
  );
}
