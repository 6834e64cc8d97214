import { useState } from "preact/hooks";
import "../styles/desk-forms.css";
import { t } from "../text/locale.ts";
import { formText as f } from "../text/packs/act-forms.ts";
import { whistleText as w } from "../text/packs/whistles.ts";
import { Dialog } from "./dialog.tsx";
import { ChooseMany, TextArea } from "./fields.tsx";
import { type FormProps, useAct } from "./use-act.ts";

export interface Sending {
  readonly act: "reassign" | "back-up";
  readonly crewId: string;
  readonly crewName: string;
}

/** Another crew instead of the one that leads, or beside it. */
export function SendForm({ view, sending, onClose }: FormProps & { readonly sending: Sending }) {
  const [cause, setCause] = useState("");
  const [even, setEven] = useState<readonly string[]>([]);
  const send = useAct(view);
  const { act, crewId, crewName } = sending;
  const evenIfBusy = even.length > 0 ? { evenIfBusy: true } : {};
  return (
    <Dialog
      title={w(`send.${act}.title`, { crew: crewName })}
      doIt={t(`act.${act}`)}
      onDo={() => send(act === "reassign" ? { act, crewId, cause, ...evenIfBusy } : { act, crewId, ...evenIfBusy })}
      onClose={onClose}
    >
      <p class="quiet">{w(`send.${act}.lead`)}</p>
      {act === "reassign" && <TextArea label={f("cause")} value={cause} onInput={setCause} maxLength={500} isFirst />}
      <ChooseMany label="" values={even} options={[{ value: "even", text: w("send.even") }]} onChange={setEven} />
    </Dialog>
  );
}
