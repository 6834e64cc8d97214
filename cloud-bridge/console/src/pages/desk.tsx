import { useEffect, useState } from "preact/hooks";
import { Candidates } from "../parts/candidates.tsx";
import { CaseActs } from "../parts/case-acts.tsx";
import { CaseEvidence } from "../parts/case-evidence.tsx";
import { CaseFinding } from "../parts/case-finding.tsx";
import { CaseHead, CaseNow } from "../parts/case-head.tsx";
import { CaseLevels } from "../parts/case-levels.tsx";
import { CaseList } from "../parts/case-list.tsx";
import { Icon } from "../parts/icon.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { StateStrip } from "../parts/state-strip.tsx";
import { Timeline } from "../parts/timeline.tsx";
import { navigate } from "../router.ts";
import { casesInOrder, isEnded, loadDesk, selectCase, selectedCase, siteTimeZone } from "../state/desk.ts";
import { lookAt } from "../state/looked-at.ts";
import { t } from "../text/locale.ts";

export function DeskPage({ caseId }: { readonly caseId: string | undefined }) {
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    loadDesk().catch(setError);
  }, []);
  useEffect(() => {
    setError(undefined);
    selectCase(caseId).catch(setError);
    if (caseId !== undefined) lookAt(caseId);
    return () => void selectCase(undefined);
  }, [caseId]);
  useKeys(caseId);

  const detail = selectedCase.value;
  return (
    <div class={`desk${caseId === undefined ? " is-list" : " is-case"}`}>
      <CaseList selectedId={caseId} />
      <section class="case" aria-label={t("desk.case")} aria-live="off">
        <ProblemNote error={error} />
        {!detail && !error && (
          <div class="empty is-tall">
            <Icon name={caseId === undefined ? "chevron" : "starting"} size={28} />
            <p>{t(caseId === undefined ? "desk.choose" : "shell.opening")}</p>
          </div>
        )}
        {detail && <CaseBody detail={detail} />}
      </section>
    </div>
  );
}

function CaseBody({ detail }: { readonly detail: NonNullable<typeof selectedCase.value> }) {
  const { case: view, timeline } = detail;
  const timeZone = siteTimeZone(view.siteId);
  return (
    <article class="case-body" data-case-state={view.state}>
      <a class="back" href="/desk">
        <Icon name="back" size={14} /> {t("desk.back")}
      </a>
      <CaseHead view={view} />
      <StateStrip view={view} timeline={timeline} timeZone={timeZone} />
      <CaseNow detail={detail} />
      <CaseActs view={view} />
      <div class="case-columns">
        <div class="case-column">
          <Candidates detail={detail} />
          <CaseFinding detail={detail} timeZone={timeZone} />
          <CaseLevels detail={detail} timeZone={timeZone} />
          <CaseEvidence detail={detail} timeZone={timeZone} />
        </div>
        <section class="panel" aria-label={t("timeline.title")}>
          <h3>{t("timeline.title")}</h3>
          <Timeline entries={timeline} timeZone={timeZone} />
        </section>
      </div>
    </article>
  );
}

/** j and k walk the list, a goes to the first crew's button, n writes a note; never while somebody types. */
function useKeys(caseId: string | undefined): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const going = casesInOrder.value.filter((view) => !isEnded(view));
      const at = going.findIndex((view) => view.id === caseId);
      const next = event.key === "j" ? going[at + 1] : event.key === "k" ? going[Math.max(0, at - 1)] : undefined;
      if (next) navigate(`/desk/${encodeURIComponent(next.id)}`);
      else if (event.key === "a") document.querySelector<HTMLElement>("[data-assign]")?.focus();
      else if (event.key === "n") document.querySelector<HTMLElement>("[data-act=note]")?.click();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [caseId]);
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest("input, textarea, select, dialog") !== null;
