import { useEffect, useState } from "preact/hooks";
import type { CaseDetail } from "../../../api/schema/desk.ts";
import { Candidates } from "../parts/candidates.tsx";
import { CaseActs } from "../parts/case-acts.tsx";
import { CaseHead, CaseNow } from "../parts/case-head.tsx";
import { CaseLevels } from "../parts/case-levels.tsx";
import { CaseList } from "../parts/case-list.tsx";
import { useDeskKeys } from "../parts/desk-keys.ts";
import { Icon } from "../parts/icon.tsx";
import { later } from "../parts/later.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { StateStrip } from "../parts/state-strip.tsx";
import { Timeline } from "../parts/timeline.tsx";
import { asked } from "../state/asked.ts";
import { loadDesk, selectCase, selectedCase, siteTimeZone } from "../state/desk.ts";
import { lookAt } from "../state/looked-at.ts";
import { loadRegisters } from "../state/registers.ts";
import { may } from "../state/session.ts";
import { t } from "../text/locale.ts";

const NodeCameras = later(async () => (await import("../parts/node-cameras.tsx")).NodeCameras);
const CaseEvidence = later(async () => (await import("../parts/case-evidence.tsx")).CaseEvidence);
const CaseFacts = later(async () => (await import("../parts/case-facts.tsx")).CaseFacts);
const CaseFinding = later(async () => (await import("../parts/case-finding.tsx")).CaseFinding);
const CaseNotices = later(async () => (await import("../parts/notices.tsx")).CaseNotices);
const CaseWhistles = later(async () => (await import("../parts/case-whistles.tsx")).CaseWhistles);
const DeskPlan = later(async () => (await import("../parts/desk-plan.tsx")).DeskPlan);
const Help = later(async () => (await import("../parts/help.tsx")).Help);
const ReportForm = later(async () => (await import("../parts/report-form.tsx")).ReportForm);

type Open = "help" | "report";

export function DeskPage({ caseId }: { readonly caseId: string | undefined }) {
  const [error, setError] = useState<unknown>();
  const [open, setOpen] = useState<Open>();
  useEffect(() => {
    loadDesk().catch(setError);
    // Labels only: without them codes are shown.
    loadRegisters().catch(() => {});
  }, []);
  useEffect(() => {
    setError(undefined);
    asked.value = undefined;
    selectCase(caseId).catch(setError);
    if (caseId !== undefined) lookAt(caseId);
    return () => void selectCase(undefined);
  }, [caseId]);
  const onReport = (): void => {
    if (may("actOnCases")) setOpen("report");
  };
  const onHelp = (): void => setOpen("help");
  // Another form may have been asked for before the former one has said that it is closed.
  const closed = (which: Open) => (): void => setOpen((now) => (now === which ? undefined : now));
  useDeskKeys(caseId, { onReport, onHelp });

  const detail = selectedCase.value;
  return (
    <div class={`desk${caseId === undefined ? " is-list" : " is-case"}`}>
      <CaseList selectedId={caseId} onReport={onReport} onHelp={onHelp} />
      <section class="case" aria-label={t("desk.case")} aria-live="off">
        <ProblemNote error={error} />
        {caseId === undefined && <DeskPlan />}
        {caseId !== undefined && !detail && !error && (
          <div class="empty is-tall">
            <Icon name="starting" size={28} />
            <p>{t("shell.opening")}</p>
          </div>
        )}
        {detail && <CaseBody detail={detail} />}
      </section>
      {open === "help" && <Help onClose={closed("help")} />}
      {open === "report" && <ReportForm onClose={closed("report")} />}
    </div>
  );
}

function CaseBody({ detail }: { readonly detail: CaseDetail }) {
  const { case: view, timeline } = detail;
  const timeZone = siteTimeZone(view.siteId);
  return (
    <article class="case-body" data-case-state={view.state}>
      <a class="back" href="/desk">
        <Icon name="back" size={14} /> {t("desk.back")}
      </a>
      <CaseHead view={view} timeZone={timeZone} />
      <StateStrip view={view} timeline={timeline} timeZone={timeZone} />
      <CaseNow detail={detail} />
      <CaseActs view={view} />
      <div class="case-columns">
        <div class="case-column">
          {view.toLocate !== true && <Candidates detail={detail} />}
          {hasParts(detail) && <CaseWhistles detail={detail} />}
          {detail.alarms.some(({ body }) => body.finding) && <CaseFinding detail={detail} timeZone={timeZone} />}
          <CaseLevels detail={detail} timeZone={timeZone} />
          {nodesOf(detail).length > 0 && <NodeCameras nodes={nodesOf(detail)} isClosed />}
          {detail.evidence.length > 0 && <CaseEvidence detail={detail} timeZone={timeZone} />}
          {may("seeMessages") && <CaseNotices view={view} />}
          <CaseFacts detail={detail} timeZone={timeZone} />
        </div>
        <section class="panel" aria-label={t("timeline.title")}>
          <h3>{t("timeline.title")}</h3>
          <Timeline entries={timeline} timeZone={timeZone} />
        </section>
      </div>
    </article>
  );
}

const hasParts = ({ whistles = [], children = [] }: CaseDetail): boolean => whistles.length + children.length > 0;

/** Whose cameras may show what the case is about; an ended one is history. */
function nodesOf({ case: { closedAtMs }, alarms }: CaseDetail): readonly string[] {
  return closedAtMs === undefined
    ? [...new Set(alarms.map(({ node }) => node))].filter((node) => node !== "@bridge")
    : [];
}
