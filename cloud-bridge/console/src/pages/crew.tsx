import { useEffect, useState } from "preact/hooks";
import "../styles/crew.css";
import { ProblemError } from "../api/client.ts";
import { streamState } from "../api/events.ts";
import { distanceM, lastPosition, positionState, sharePosition } from "../crew/position.ts";
import { type CrewActName, nextActs } from "../crew/steps.ts";
import { caseName } from "../parts/case-head.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Icon, type IconName, Whistle } from "../parts/icon.tsx";
import { later } from "../parts/later.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { AccountMenu } from "../parts/shell.tsx";
import { AssignmentBadge } from "../parts/state-badge.tsx";
import { LocaleSwitch, ThemeSwitch } from "../parts/switches.tsx";
import {
  ageOf,
  currentLeg,
  followDuty,
  isDutyLoaded,
  type Leg,
  loadDuty,
  press,
  refusal,
  waitingActs,
} from "../state/duty.ts";
import { formatAge, formatDistance, formatLevel, formatTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { sayIn } from "../text/sentences.ts";

const CrewPhotos = later(async () => (await import("../parts/crew-photos.tsx")).CrewPhotos);

export function CrewPage({ crewId }: { readonly crewId: string | undefined }) {
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (crewId === undefined) return;
    loadDuty(crewId).catch(setError);
    const ends = [followDuty(crewId), sharePosition(crewId)];
    return () => {
      for (const end of ends) end();
    };
  }, [crewId]);
  const leg = currentLeg.value;
  document.title = t("title.plain", { title: t("crew.title") });
  return (
    <div class="crew">
      <header class="crew-top">
        <Whistle />
        <LinkState />
        <LocaleSwitch />
        <ThemeSwitch />
        <AccountMenu />
      </header>
      <main class="crew-main">
        {crewId === undefined && <p class="quiet">{t("crew.no-crew")}</p>}
        {leg ? <LegCard leg={leg} /> : <Idle />}
        {crewId !== undefined && (
          <CrewPhotos key={crewId} crewId={crewId} {...(leg ? { assignmentId: leg.assignment.id } : {})} />
        )}
        <WaitingActs />
        {refusal.value && <ProblemNote error={new ProblemError(refusal.value)} />}
        {!isDutyLoaded.value && error !== undefined && <ProblemNote error={error} />}
      </main>
      {leg && <Buttons leg={leg} />}
    </div>
  );
}

function LinkState() {
  const isLive = streamState.value === "live";
  const position = positionState.value;
  return (
    <div class="crew-link">
      <output class={`pill ${isLive ? "is-good" : "is-bad"}`}>
        <Icon name={isLive ? "connected" : "disconnected"} size={13} />
        {t(isLive ? "stream.live" : "crew.offline")}
      </output>
      <span class={`pill ${position === "sending" ? "is-good" : "is-dim"}`}>
        <Icon name="place" size={13} />
        {t(`crew.position.${position}`)}
      </span>
    </div>
  );
}

function Idle() {
  return (
    <div class="crew-idle">
      <Icon name="closed" size={44} />
      <h1>{t("crew.idle")}</h1>
      <p class="quiet">{t("crew.idle.lead")}</p>
    </div>
  );
}

function LegCard({ leg }: { readonly leg: Leg }) {
  const { assignment, case: view } = leg;
  const here = lastPosition.value;
  const farM = here && view.position ? distanceM(here, view.position) : assignment.distanceM;
  return (
    <article class="leg" data-assignment-state={assignment.state}>
      <p class="leg-kicker">
        <span class="case-number">#{view.number}</span> {t(`family.${view.family}`)}
        <span class="leg-age">{formatAge(locale.value, ageOf(assignment.assignedAtMs))}</span>
      </p>
      <h1>{caseName(view)}</h1>
      <AssignmentBadge state={assignment.state} />
      <dl class="leg-facts">
        {farM !== undefined && (
          <div>
            <dt>{t(here && view.position ? "crew.distance" : "crew.distance-when-sent")}</dt>
            <dd>{formatDistance(locale.value, farM)}</dd>
          </div>
        )}
        {view.levelDb !== undefined && (
          <div>
            <dt>{t("case.level")}</dt>
            <dd>
              {formatLevel(locale.value, view.levelDb)}
              <small>{t("unit.dba")}</small>
            </dd>
          </div>
        )}
        {view.peakDb !== undefined && (
          <div>
            <dt>{t("case.peak")}</dt>
            <dd>
              {formatLevel(locale.value, view.peakDb)}
              <small>{t("unit.dba")}</small>
            </dd>
          </div>
        )}
      </dl>
      {view.position && (
        <a class="leg-place" href={`geo:${view.position.latitudeDeg},${view.position.longitudeDeg}`}>
          <Icon name="place" />
          <span>
            {view.position.latitudeDeg.toFixed(5)}, {view.position.longitudeDeg.toFixed(5)}
          </span>
          <small>{t("crew.open-map")}</small>
        </a>
      )}
      {view.waitingFor.length > 0 && (
        <div class="leg-waiting">
          <strong>{t("case.waiting-for")}</strong>
          <ul>
            {view.waitingFor.map((sentence) => (
              <li key={sentence}>{sayIn(locale.value, sentence)}</li>
            ))}
          </ul>
        </div>
      )}
    </article>
  );
}

function WaitingActs() {
  const waiting = waitingActs.value;
  if (waiting.length === 0) return null;
  return (
    <section class="waiting-acts" aria-live="polite">
      <h2>
        <Icon name="queue" /> {t("crew.pending")}
      </h2>
      <ul>
        {waiting.map(({ key, act }) => (
          <li key={key}>
            <span>{t(`crew.act.${act.act}`)}</span>
            <time>{formatTime(locale.value, act.deviceTimeMs, undefined)}</time>
          </li>
        ))}
      </ul>
      <p class="footnote">{t("crew.pending.hint")}</p>
    </section>
  );
}

const LOOK: Readonly<Record<CrewActName, IconName>> = {
  acknowledge: "acknowledged",
  decline: "false-alarm",
  "en-route": "en-route",
  "on-scene": "on-scene",
  resolved: "resolved",
};

function Buttons({ leg }: { readonly leg: Leg }) {
  const [isDeclining, setDeclining] = useState(false);
  const [cause, setCause] = useState("");
  const { id, state } = leg.assignment;
  const acts = nextActs(state);
  return (
    <nav class="crew-acts" aria-label={t("crew.acts")}>
      {acts.map((act, i) => (
        <button
          key={act}
          type="button"
          class={`crew-act act-${act}${i === 0 ? " is-main" : ""}`}
          onClick={() => (act === "decline" ? setDeclining(true) : press(id, act))}
          data-crew-act={act}
        >
          <Icon name={LOOK[act]} size={22} />
          {t(`crew.act.${act}`)}
        </button>
      ))}
      {isDeclining && (
        <Dialog
          title={t("crew.decline.title")}
          doIt={t("crew.act.decline")}
          isGrave
          onDo={async () => press(id, "decline", cause)}
          onClose={() => setDeclining(false)}
        >
          <label class="field">
            <span>{t("act.cause")}</span>
            <textarea
              value={cause}
              onInput={(event) => setCause(event.currentTarget.value)}
              required
              maxLength={500}
              rows={3}
            />
          </label>
        </Dialog>
      )}
    </nav>
  );
}
