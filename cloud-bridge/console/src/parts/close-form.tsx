import { useState } from "preact/hooks";
import { selectedCase, siteTimeZone } from "../state/desk.ts";
import { may } from "../state/session.ts";
import { formatTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { formText as f } from "../text/packs/act-forms.ts";
import { Dialog } from "./dialog.tsx";
import { type Evidence, type Part, partName, partUrl } from "./evidence-media.tsx";
import { TextArea } from "./fields.tsx";
import { type FormProps, useAct } from "./use-act.ts";

/** Somebody who did not handle an event closes it by what shows that it is over. */
export function CloseForm({ view, onClose }: FormProps) {
  const [cause, setCause] = useState("");
  const shown = selectedCase.value?.case.id === view.id ? selectedCase.value : undefined;
  // The newest is what shows how it is now.
  const evidence = (shown?.evidence ?? []).toSorted((a, b) => newestMs(b) - newestMs(a));
  const [chosen, setChosen] = useState<readonly string[]>(() => evidence.slice(0, 1).map((one) => one.evidenceId));
  const send = useAct(view);
  const timeZone = siteTimeZone(view.siteId);
  const toggle = (id: string): void =>
    setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  const reports = shown?.reports ?? [];
  const close = async (): Promise<void> => {
    if (chosen.length === 0) throw new Error(f("close-event.none-chosen"));
    await send({ act: "close-event", cause, evidence: [...chosen] });
  };
  return (
    <Dialog
      title={f("close-event.title", { n: view.number })}
      {...(evidence.length === 0 ? {} : { doIt: t("act.close-event") })}
      isWide={evidence.length > 0}
      onDo={close}
      onClose={onClose}
    >
      <p class="quiet">{f("close-event.lead")}</p>
      {evidence.length === 0 && (
        <p class="hint" data-no-evidence>
          {f(reports.length > 0 && may("actOnCases") ? "close-event.call-back" : "close-event.no-evidence")}
        </p>
      )}
      {evidence.length > 0 && (
        <>
          <fieldset class="pick-evidence">
            <legend>{f("close-event.evidence")}</legend>
            {evidence.map((one) => (
              <label key={one.evidenceId} class="evidence-choice" data-pick={one.evidenceId}>
                <input
                  type="checkbox"
                  checked={chosen.includes(one.evidenceId)}
                  onChange={() => toggle(one.evidenceId)}
                />
                <Seen evidence={one} />
                <span>
                  {one.parts.map((part) => (
                    <span key={part.name} class="evidence-choice-part">
                      {partName(part)} {formatTime(locale.value, part.fromMs, timeZone)}
                      {part.state !== "stored" && <small class="quiet">{` · ${f("close-event.not-here")}`}</small>}
                    </span>
                  ))}
                  {one.parts.length === 0 && <span class="quiet">{f("close-event.empty")}</span>}
                </span>
              </label>
            ))}
          </fieldset>
          <TextArea label={f("cause")} value={cause} onInput={setCause} maxLength={500} isFirst />
        </>
      )}
    </Dialog>
  );
}

const isHere = ({ state, type }: Part): boolean => state === "stored" && (type === "snapshot" || type === "clip");
const newestMs = ({ parts }: Evidence): number => Math.max(0, ...parts.map(({ toMs }) => toMs));

/** The still, else the first picture of the clip. */
function Seen({ evidence: { evidenceId, parts } }: { readonly evidence: Evidence }) {
  const part = parts.find((one) => isHere(one) && one.type === "snapshot") ?? parts.find(isHere);
  if (part === undefined) return <span class="evidence-choice-blank" aria-hidden="true" />;
  const url = partUrl(evidenceId, part.name);
  return part.type === "clip" ? (
    <video src={url} muted playsInline preload="metadata" />
  ) : (
    <img src={url} alt={partName(part)} decoding="async" />
  );
}
