import { useState } from "preact/hooks";
import "../styles/whistles.css";
import type { CaseDetail } from "../../../api/schema/desk.ts";
import type { WhistleLegView, WhistleView } from "../../../api/schema/whistles.ts";
import { catalogue, namedIn, unitName } from "../state/registers.ts";
import { may } from "../state/session.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { whistleText as w } from "../text/packs/whistles.ts";
import { Icon, type IconName } from "./icon.tsx";
import { StateBadge } from "./state-badge.tsx";
import { type Step, StepForm } from "./whistle-step.tsx";

type LegState = WhistleLegView["state"];
const LEG_LOOK: Readonly<Record<LegState, { readonly icon: IconName; readonly mood: string }>> = {
  waiting: { icon: "starting", mood: "is-dim" },
  called: { icon: "sound", mood: "is-warning" },
  received: { icon: "acknowledged", mood: "is-warning" },
  "on-scene": { icon: "on-scene", mood: "is-good" },
  handled: { icon: "resolved", mood: "is-good" },
  returned: { icon: "back", mood: "is-bad" },
  withdrawn: { icon: "false-alarm", mood: "is-dim" },
};

/** Departments that were called to a case, each with its part and its clock; and the parts that are cases of their own. */
export function CaseWhistles({ detail }: { readonly detail: CaseDetail }) {
  const [step, setStep] = useState<Step>();
  const { whistles = [], children = [] } = detail;
  if (whistles.length === 0 && children.length === 0) return null;
  return (
    <section class="panel" aria-label={w("title")} data-whistles>
      {whistles.length > 0 && <h3>{w("title")}</h3>}
      {whistles.map((whistle) => (
        <Whistle key={whistle.id} whistle={whistle} onStep={setStep} />
      ))}
      {children.length > 0 && <h3>{w("children.title")}</h3>}
      {children.map((child) => (
        <p key={child.id} class="whistle-child">
          <a href={`/desk/${encodeURIComponent(child.id)}`}>
            {`#${child.number}`} {child.title}
          </a>
          <StateBadge state={child.state} />
        </p>
      ))}
      {step !== undefined && <StepForm step={step} onClose={() => setStep(undefined)} />}
    </section>
  );
}

interface WhistleProps {
  readonly whistle: WhistleView;
  readonly onStep: (step: Step) => void;
}

const ACTS: Readonly<Record<WhistleView["state"], readonly Step["what"][]>> = {
  filed: ["approve", "reject", "withdraw"],
  rejected: ["archive"],
  started: ["call", "lead", "withdraw"],
  handled: ["archive"],
  returned: ["call", "archive"],
  withdrawn: ["archive"],
  archived: [],
};
const LEG_ACTS: Readonly<Record<LegState, readonly Step["what"][]>> = {
  waiting: [],
  called: ["receive", "on-scene", "return"],
  received: ["on-scene", "return"],
  "on-scene": ["handled"],
  handled: ["rate-unit", "rate-caller"],
  returned: [],
  withdrawn: [],
};

function Whistle({ whistle, onStep }: WhistleProps) {
  const { id, fileNumber, kind, fromUnitId, state, text, blownBy, blownAtMs, opinion, aid, legs } = whistle;
  const called = legs.map(({ unitId }) => unitId);
  return (
    <article class="whistle-card" data-whistle={state}>
      <p>
        <strong>{namedIn(catalogue.value?.whistleKinds, kind)}</strong> {fileNumber}{" "}
        <span class="tag">{w(`state.${state}`)}</span>
        {aid !== undefined && <span class="tag">{w("aid")}</span>}
      </p>
      <p class="quiet">
        {unitName(fromUnitId)} · {w("by", { who: blownBy, time: formatDayTime(locale.value, blownAtMs, undefined) })}
      </p>
      <p>{text}</p>
      {opinion !== undefined && (
        <p class="quiet">
          {w("opinion")}: {opinion}
        </p>
      )}
      <ul>
        {legs.map((leg) => (
          <Leg key={leg.id} leg={leg} onStep={onStep} />
        ))}
      </ul>
      <StepButtons acts={ACTS[state]} onAct={(what) => onStep({ what, whistleId: id, called })} />
    </article>
  );
}

function Leg({ leg, onStep }: { readonly leg: WhistleLegView; readonly onStep: (step: Step) => void }) {
  const { id, unitId, isLead, state, dueSceneAtMs, dueHandleAtMs, isSceneOverdue, isHandleOverdue, result } = leg;
  const { icon, mood } = LEG_LOOK[state];
  const time = (atMs: number): string => formatDayTime(locale.value, atMs, undefined);
  const isOver = state === "handled" || state === "returned" || state === "withdrawn";
  const isThere = state === "on-scene" || isOver;
  const acts = LEG_ACTS[state].filter(
    (what) =>
      !(what === "rate-unit" && leg.ratingOfUnit !== undefined) &&
      !(what === "rate-caller" && leg.ratingOfCaller !== undefined),
  );
  return (
    <li class="whistle-leg" data-leg={state}>
      <p>
        <span class={`due ${mood}`}>
          <Icon name={icon} size={13} /> {w(`leg.${state}`)}
        </span>
        <strong>{unitName(unitId)}</strong>
        {isLead && <span class="tag">{w("lead")}</span>}
        {(isSceneOverdue || isHandleOverdue) && (
          <span class="due is-bad">
            <Icon name="overdue" size={13} /> {w("late")}
          </span>
        )}
      </p>
      <p class="quiet">
        {[
          dueSceneAtMs === undefined || isThere ? undefined : w("due.scene", { time: time(dueSceneAtMs) }),
          dueHandleAtMs === undefined || isOver ? undefined : w("due.handle", { time: time(dueHandleAtMs) }),
          result,
          leg.ratingOfUnit && w("rated-unit", { n: leg.ratingOfUnit.rating }),
          leg.ratingOfCaller && w("rated-caller", { n: leg.ratingOfCaller.rating }),
        ]
          .filter((one) => one !== undefined)
          .join(" · ")}
      </p>
      <StepButtons acts={acts} onAct={(what) => onStep({ what, legId: id, called: [] })} />
    </li>
  );
}

interface StepButtonsProps {
  readonly acts: readonly Step["what"][];
  readonly onAct: (what: Step["what"]) => void;
}

function StepButtons({ acts, onAct }: StepButtonsProps) {
  if (!may("actOnCases") || acts.length === 0) return null;
  return (
    <p class="whistle-acts">
      {acts.map((what) => (
        <button key={what} type="button" class="button is-small" onClick={() => onAct(what)} data-step={what}>
          {w(`act.${what}`)}
        </button>
      ))}
    </p>
  );
}
