import { useState } from "preact/hooks";
import "../styles/desk-forms.css";
import type { CaseView } from "../../../api/schema/desk.ts";
import { nowMs } from "../clock.ts";
import type { Asked, CauseAct } from "../state/asked.ts";
import { siteTimeZone } from "../state/desk.ts";
import { catalogue, labelOf } from "../state/registers.ts";
import { t } from "../text/locale.ts";
import { formText as f } from "../text/packs/act-forms.ts";
import { CloseForm } from "./close-form.tsx";
import { Dialog } from "./dialog.tsx";
import { CategoriseForm, OutcomeForm, TransferForm } from "./field-forms.tsx";
import { Choice, given, TextArea, TimeField } from "./fields.tsx";
import { ChildForm, MergeForm } from "./link-forms.tsx";
import { zonedInput, zonedMs } from "./local-time.ts";
import { LocateForm } from "./locate-form.tsx";
import { type FormProps, useAct } from "./use-act.ts";
import { WhistleForm } from "./whistle-form.tsx";

export interface ActFormProps {
  readonly view: CaseView;
  readonly act: Asked;
  readonly onClose: () => void;
}

/** The form of one act on a case. */
export function ActForm({ view, act, onClose }: ActFormProps) {
  switch (act) {
    case "suspend":
      return <SuspendForm view={view} onClose={onClose} />;
    case "locate":
      return <LocateForm view={view} onClose={onClose} />;
    case "categorise":
      return <CategoriseForm view={view} onClose={onClose} />;
    case "transfer":
      return <TransferForm view={view} onClose={onClose} />;
    case "whistle":
      return <WhistleForm view={view} onClose={onClose} />;
    case "merge":
      return <MergeForm view={view} onClose={onClose} />;
    case "open-child":
      return <ChildForm view={view} onClose={onClose} />;
    case "outcome":
      return <OutcomeForm view={view} onClose={onClose} />;
    case "close-event":
      return <CloseForm view={view} onClose={onClose} />;
    default:
      return <CauseForm view={view} act={act} onClose={onClose} />;
  }
}

function CauseForm({ view, act, onClose }: FormProps & { readonly act: CauseAct }) {
  const [cause, setCause] = useState("");
  const send = useAct(view);
  return (
    <Dialog
      title={f(`${act}.title`, { n: view.number })}
      doIt={t(`act.${act}`)}
      isGrave={act === "false-alarm" || act === "close-unverified"}
      onDo={() => send({ act, cause })}
      onClose={onClose}
    >
      <p class="quiet">{f(`${act}.lead`)}</p>
      <TextArea
        label={f(act === "note" ? "note.text" : "cause")}
        value={cause}
        onInput={setCause}
        maxLength={500}
        isFirst
      />
    </Dialog>
  );
}

const SUSPEND_MINUTES = [15, 30, 60, 120, 480];
const MINUTE_MS = 60_000;

function SuspendForm({ view, onClose }: FormProps) {
  const [cause, setCause] = useState("");
  const [reason, setReason] = useState("");
  const [minutes, setMinutes] = useState("30");
  const timeZone = siteTimeZone(view.siteId);
  const [until, setUntil] = useState(() => zonedInput(nowMs.value + 24 * 60 * MINUTE_MS, timeZone));
  const send = useAct(view);
  const untilMs = (): number =>
    minutes === "other" ? zonedMs(until, timeZone) : Math.round(nowMs.value + Number(minutes) * MINUTE_MS);
  const lengths = SUSPEND_MINUTES.map((n) => ({
    value: String(n),
    text: n < 60 ? t("unit.minutes", { n }) : t("unit.hours", { n: n / 60 }),
  }));
  const reasons = catalogue.value?.suspendReasons ?? [];
  const chooseReason = (code: string): void => {
    const [before, after] = [reason, code].map((one) => reasons.find((row) => row.code === one));
    // The reason's own words stand until somebody writes more.
    if (cause === "" || (before && cause === labelOf(before))) setCause(after ? labelOf(after) : "");
    setReason(code);
  };
  return (
    <Dialog
      title={f("suspend.title", { n: view.number })}
      doIt={t("act.suspend")}
      onDo={() => send({ act: "suspend", cause, untilMs: untilMs(), ...given("reason", reason) })}
      onClose={onClose}
    >
      <p class="quiet">{f("suspend.lead")}</p>
      <Choice
        label={f("suspend.for")}
        name="minutes"
        value={minutes}
        options={[...lengths, { value: "other", text: f("suspend.other") }]}
        onChange={setMinutes}
        isFirst
      />
      {minutes === "other" && (
        <TimeField label={f("suspend.until")} type="datetime-local" value={until} onInput={setUntil} hint={timeZone} />
      )}
      {reasons.length > 0 && (
        <Choice
          label={f("suspend.reason")}
          name="reason"
          value={reason}
          options={[
            ...reasons.map((one) => ({
              value: one.code,
              text: `${labelOf(one)} · ${f(one.pausesClock ? "suspend.rests" : "suspend.runs")}`,
            })),
            { value: "", text: f("suspend.no-reason") },
          ]}
          onChange={chooseReason}
        />
      )}
      <TextArea label={f("cause")} value={cause} onInput={setCause} maxLength={500} />
    </Dialog>
  );
}
