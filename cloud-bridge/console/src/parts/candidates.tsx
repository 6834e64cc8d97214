import { useState } from "preact/hooks";
import type { Assignment, CaseDetail, CaseView } from "../../../api/schema/desk.ts";
import { actOnCase } from "../state/desk.ts";
import { may } from "../state/session.ts";
import { formatAge, formatDistance } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { sayIn } from "../text/sentences.ts";
import { Icon } from "./icon.tsx";
import { ProblemNote } from "./problem.tsx";
import { AssignmentBadge } from "./state-badge.tsx";
import { WherePlan } from "./where-plan.tsx";

/** A case that has a crew is first taken from it: two crews never go by accident. */
const isWaiting = ({ state, waitingFor }: CaseView): boolean =>
  state === "open" || (state === "verifying" && waitingFor.some((sentence) => sentence.endsWith(" still stands")));

/** The distance stands beside the name already. */
const isNotDistance = (reason: string): boolean => !/^\d+ m: /.test(reason);

/** Proposed, declined or withdrawn, nobody is on the way: the crew can be sent. */
const isSent = ({ state }: Assignment): boolean => !["proposed", "declined", "withdrawn"].includes(state);

/** The crews that were looked at, nearest first, with the reasons as they were stored at that moment. */
export function Candidates({ detail }: { readonly detail: CaseDetail }) {
  const [error, setError] = useState<unknown>();
  const [busyWith, setBusyWith] = useState<string>();
  const { case: view, candidates } = detail;
  const current = view.assignment;
  const canAssign = may("actOnCases") && isWaiting(view);
  const assign = async (crewId: string): Promise<void> => {
    setBusyWith(crewId);
    setError(undefined);
    try {
      await actOnCase(view.id, { act: "assign", crewId });
    } catch (cause) {
      setError(cause);
    } finally {
      setBusyWith(undefined);
    }
  };
  const first = candidates.find(({ eligible }) => eligible)?.crewId;
  return (
    <section class="panel" aria-label={t("candidates.title")}>
      <h3>{t("candidates.title")}</h3>
      {candidates.length === 0 && <p class="quiet">{t("candidates.none")}</p>}
      <ProblemNote error={error} />
      <div class="candidates-and-plan">
        <ol class="candidates">
          {candidates.map(({ crewId, crewName, eligible, reasons, distanceM, etaMs }) => {
            const isCurrent = !canAssign && current?.crewId === crewId && isSent(current);
            return (
              <li key={crewId} class={`candidate${eligible ? "" : " is-passed-over"}${isCurrent ? " is-current" : ""}`}>
                <span class="candidate-mark">
                  <Icon name={eligible ? "connected" : "disconnected"} size={14} />
                  <span class="sr">{t(eligible ? "candidates.eligible" : "candidates.passed-over")}</span>
                </span>
                <span class="candidate-name">{crewName}</span>
                <span class="candidate-way">
                  {distanceM !== undefined && formatDistance(locale.value, distanceM)}
                  {etaMs !== undefined && (
                    <small>{t("candidates.eta", { time: formatAge(locale.value, etaMs) })}</small>
                  )}
                </span>
                <span class="candidate-reasons">
                  {reasons
                    .filter(isNotDistance)
                    .map((reason) => sayIn(locale.value, reason))
                    .join(" · ")}
                </span>
                {isCurrent && current ? (
                  <AssignmentBadge state={current.state} />
                ) : (
                  canAssign && (
                    <button
                      type="button"
                      class={`button is-small${crewId === first && view.state === "open" ? " is-main" : ""}`}
                      disabled={busyWith !== undefined}
                      onClick={() => void assign(crewId)}
                      aria-label={t("candidates.assign-named", { crew: crewName })}
                      data-assign={crewId}
                    >
                      {t(eligible ? "candidates.assign" : "candidates.assign-anyway")}
                    </button>
                  )
                )}
              </li>
            );
          })}
        </ol>
        <WherePlan view={view} candidates={candidates} chosenCrewId={current?.crewId} />
      </div>
      <p class="footnote">{t("candidates.footnote")}</p>
    </section>
  );
}
