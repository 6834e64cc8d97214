import { useState } from "preact/hooks";
import type { Assignment, CaseDetail, CaseView } from "../../../api/schema/desk.ts";
import { actOnCase, refreshSelected } from "../state/desk.ts";
import { may } from "../state/session.ts";
import { formatAge, formatDistance } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { sayIn } from "../text/sentences.ts";
import { Icon } from "./icon.tsx";
import { later } from "./later.tsx";
import { ProblemNote, problemOf } from "./problem.tsx";
import type { Sending } from "./send-form.tsx";
import { AssignmentBadge } from "./state-badge.tsx";

const WherePlan = later(async () => (await import("./where-plan.tsx")).WherePlan);
const SendForm = later(async () => (await import("./send-form.tsx")).SendForm);

/** A case that has a crew is first taken from it: two crews never go by accident. */
const isWaiting = ({ state, waitingFor }: CaseView): boolean =>
  state === "open" || (state === "verifying" && waitingFor.some((sentence) => sentence.endsWith(" still stands")));

/** The distance stands beside the name already. */
const isNotDistance = (reason: string): boolean => !/^\d+ m: /.test(reason);

const AT_WORK = new Set<Assignment["state"]>(["assigned", "acknowledged", "en-route", "on-scene"]);

/** A crew is at work on it: another one is sent instead, or as well. */
const hasCrew = ({ state }: CaseView): boolean =>
  state === "assigned" || state === "acknowledged" || state === "en-route" || state === "on-scene";

const AUTHORITY_MOOD = {
  "may-act": "is-good",
  "second-needed": "is-warning",
  "evidence-only": "is-warning",
  unknown: "is-dim",
} as const;

/** The crews that were looked at, nearest first, with the reasons as they were stored at that moment. */
export function Candidates({ detail }: { readonly detail: CaseDetail }) {
  const [refused, setRefused] = useState<{ readonly crewId: string; readonly error: unknown }>();
  const [busyWith, setBusyWith] = useState<string>();
  const [sending, setSending] = useState<Sending>();
  const { case: view, candidates, assignments } = detail;
  const current = view.assignment;
  const onIt = assignments.filter(({ state }) => AT_WORK.has(state));
  const canAssign = may("actOnCases") && isWaiting(view);
  const canChange = may("actOnCases") && hasCrew(view);
  const assign = async (crewId: string, evenIfBusy = false): Promise<void> => {
    setBusyWith(crewId);
    setRefused(undefined);
    try {
      await actOnCase(view.id, { act: "assign", crewId, ...(evenIfBusy ? { evenIfBusy } : {}) });
    } catch (error) {
      setRefused({ crewId, error });
      // Somebody else was faster: what stands now is shown beside what was refused.
      await refreshSelected().catch(() => {});
    } finally {
      setBusyWith(undefined);
    }
  };
  const first = candidates.find(({ eligible }) => eligible)?.crewId;
  const isBusy = refused !== undefined && problemOf(refused.error).code === "CREW_BUSY" && canAssign;
  return (
    <section class="panel" aria-label={t("candidates.title")}>
      <h3>{t("candidates.title")}</h3>
      {candidates.length === 0 && <p class="quiet">{t("candidates.none")}</p>}
      <ProblemNote error={refused?.error} />
      {isBusy && (
        <button type="button" class="button is-small" onClick={() => void assign(refused.crewId, true)} data-even-so>
          {t("act.even-so")}
        </button>
      )}
      <div class="candidates-and-plan">
        <ol class="candidates">
          {candidates.map((candidate) => {
            const { crewId, crewName, eligible, reasons, distanceM, etaMs, authority } = candidate;
            const leg = canAssign ? undefined : onIt.find((one) => one.crewId === crewId);
            return (
              <li
                key={crewId}
                class={`candidate${eligible ? "" : " is-passed-over"}${leg === undefined ? "" : " is-current"}`}
                data-candidate={crewId}
              >
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
                  {authority && (
                    <span
                      class={`due ${AUTHORITY_MOOD[authority.verdict]}`}
                      title={authority.holders.join(" · ")}
                      data-authority={authority.verdict}
                    >
                      <Icon name={authority.verdict === "may-act" ? "acknowledged" : "person"} size={12} />
                      {t(`authority.${authority.verdict}`)}
                    </span>
                  )}
                </span>
                <span class="candidate-acts">
                  {leg !== undefined && (
                    <>
                      <AssignmentBadge state={leg.state} />
                      {leg.role === "back-up" && <span class="tag">{t("act.back-up")}</span>}
                    </>
                  )}
                  {canAssign && (
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
                  )}
                  {canChange &&
                    leg === undefined &&
                    (["reassign", "back-up"] as const).map((act) => (
                      <button
                        key={act}
                        type="button"
                        class="button is-small"
                        onClick={() => setSending({ act, crewId, crewName })}
                        data-send={`${act} ${crewId}`}
                      >
                        {t(`act.${act}`)}
                      </button>
                    ))}
                </span>
              </li>
            );
          })}
        </ol>
        <WherePlan view={view} candidates={candidates} chosenCrewId={current?.crewId} />
      </div>
      <p class="footnote">{t("candidates.footnote")}</p>
      {sending !== undefined && <SendForm view={view} sending={sending} onClose={() => setSending(undefined)} />}
    </section>
  );
}
