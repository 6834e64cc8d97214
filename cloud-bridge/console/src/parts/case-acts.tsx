import { useState } from "preact/hooks";
import type { CaseAct, CaseView } from "../../../api/schema/desk.ts";
import { newIdempotencyKey } from "../api/client.ts";
import { nowMs } from "../clock.ts";
import { actOnCase, isEnded } from "../state/desk.ts";
import { may } from "../state/session.ts";
import { t } from "../text/locale.ts";
import { Dialog } from "./dialog.tsx";
import { Icon, type IconName } from "./icon.tsx";

type Asked = "note" | "withdraw" | "suspend" | "false-alarm" | "close-unverified" | "close-event" | "reopen";

const LOOK: Readonly<Record<Asked, IconName>> = {
  note: "note",
  withdraw: "back",
  suspend: "suspended",
  "false-alarm": "false-alarm",
  "close-unverified": "closed-unverified",
  "close-event": "closed",
  reopen: "open",
};
const GRAVE: ReadonlySet<Asked> = new Set(["false-alarm", "close-unverified"]);
const SUSPEND_MINUTES = [15, 30, 60, 120, 480];
const MINUTE_MS = 60_000;

const hasLeg = ({ assignment }: CaseView): boolean =>
  assignment !== undefined && ["assigned", "acknowledged", "en-route", "on-scene"].includes(assignment.state);

function offered(view: CaseView): Asked[] {
  if (isEnded(view)) return ["note", "reopen"];
  const acts: Asked[] = ["note"];
  if (hasLeg(view)) acts.push("withdraw");
  if (view.state !== "suspended") acts.push("suspend");
  if (view.nature === "event") acts.push("close-event");
  acts.push("false-alarm", "close-unverified");
  return acts;
}

/** What a dispatcher may do besides sending a crew. Every one names a cause, which stands in the timeline for ever. */
export function CaseActs({ view }: { readonly view: CaseView }) {
  const [asked, setAsked] = useState<Asked>();
  if (!may("actOnCases")) return null;
  return (
    <div class="acts">
      {view.state === "suspended" && <ResumeButton view={view} />}
      {offered(view).map((act) => (
        <button
          key={act}
          type="button"
          class={`button${GRAVE.has(act) ? " is-quiet-grave" : ""}`}
          onClick={() => setAsked(act)}
          data-act={act}
        >
          <Icon name={LOOK[act]} size={14} />
          {t(`act.${act}`)}
        </button>
      ))}
      {asked !== undefined && <AskCause key={asked} view={view} act={asked} onClose={() => setAsked(undefined)} />}
    </div>
  );
}

function ResumeButton({ view }: { readonly view: CaseView }) {
  return (
    <button
      type="button"
      class="button is-main"
      onClick={() => void actOnCase(view.id, { act: "resume" }).catch(() => {})}
      data-act="resume"
    >
      {t("act.resume")}
    </button>
  );
}

interface AskCauseProps {
  readonly view: CaseView;
  readonly act: Asked;
  readonly onClose: () => void;
}

function AskCause({ view, act, onClose }: AskCauseProps) {
  const [cause, setCause] = useState("");
  const [minutes, setMinutes] = useState(30);
  const [key] = useState(newIdempotencyKey);
  const send = async (): Promise<void> => {
    const body: CaseAct =
      act === "suspend" ? { act, cause, untilMs: Math.round(nowMs.value + minutes * MINUTE_MS) } : { act, cause };
    await actOnCase(view.id, body, key);
  };
  return (
    <Dialog
      title={t(`act.${act}.title`, { n: view.number })}
      doIt={t(`act.${act}`)}
      isGrave={GRAVE.has(act)}
      onDo={send}
      onClose={onClose}
    >
      <p class="quiet">{t(`act.${act}.lead`)}</p>
      {act === "suspend" && (
        <fieldset class="choice">
          <legend>{t("act.suspend.for")}</legend>
          {SUSPEND_MINUTES.map((n) => (
            <label key={n}>
              <input type="radio" name="minutes" checked={n === minutes} onChange={() => setMinutes(n)} />
              <span>{n < 60 ? t("unit.minutes", { n }) : t("unit.hours", { n: n / 60 })}</span>
            </label>
          ))}
        </fieldset>
      )}
      <label class="field">
        <span>{t(act === "note" ? "act.note.text" : "act.cause")}</span>
        <textarea
          value={cause}
          onInput={(event) => setCause(event.currentTarget.value)}
          required
          maxLength={500}
          rows={3}
          autofocus
        />
      </label>
    </Dialog>
  );
}
