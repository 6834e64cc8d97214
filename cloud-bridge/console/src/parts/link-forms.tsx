import { useState } from "preact/hooks";
import { cases, isEnded } from "../state/desk.ts";
import { catalogue, labelOf, units } from "../state/registers.ts";
import { t } from "../text/locale.ts";
import { formText as f } from "../text/packs/act-forms.ts";
import { whistleText as w } from "../text/packs/whistles.ts";
import { Dialog } from "./dialog.tsx";
import { given, SelectField, TextArea, TextField, TwoFields } from "./fields.tsx";
import { type FormProps, useAct } from "./use-act.ts";

export function MergeForm({ view, onClose }: FormProps) {
  const [into, setInto] = useState("");
  const [cause, setCause] = useState("");
  const send = useAct(view);
  // Those of the same site first: a case is mostly merged with its neighbour.
  const others = [...cases.value.values()]
    .filter((one) => one.id !== view.id && !isEnded(one))
    .sort((a, b) => Number(b.siteId === view.siteId) - Number(a.siteId === view.siteId) || b.number - a.number);
  return (
    <Dialog
      title={w("merge.title", { n: view.number })}
      {...(others.length === 0 ? {} : { doIt: t("act.merge") })}
      onDo={() => send({ act: "merge", into, cause })}
      onClose={onClose}
    >
      <p class="quiet">{w(others.length === 0 ? "merge.none" : "merge.lead")}</p>
      {others.length > 0 && (
        <>
          <SelectField
            label={w("merge.into")}
            value={into}
            options={others.map((one) => ({
              value: one.id,
              text: `#${one.number} ${one.siteName ?? one.title} · ${t(`state.${one.state}`)}`,
            }))}
            onChange={setInto}
            none=""
          />
          <TextArea label={f("cause")} value={cause} onInput={setCause} maxLength={500} />
        </>
      )}
    </Dialog>
  );
}

export function ChildForm({ view, onClose }: FormProps) {
  const [title, setTitle] = useState("");
  const [category, setCategory] = useState("");
  const [unitId, setUnitId] = useState("");
  const [cause, setCause] = useState("");
  const send = useAct(view);
  return (
    <Dialog
      title={w("child.title", { n: view.number })}
      doIt={t("act.open-child")}
      onDo={() => send({ act: "open-child", title, cause, ...given("category", category), ...given("unitId", unitId) })}
      onClose={onClose}
    >
      <p class="quiet">{w("child.lead")}</p>
      <TextField label={w("child.what")} value={title} onInput={setTitle} maxLength={200} isFirst />
      <TwoFields>
        <SelectField
          label={w("child.category")}
          value={category}
          options={(catalogue.value?.categories ?? []).map((one) => ({ value: one.code, text: labelOf(one) }))}
          onChange={setCategory}
          none={w("child.as-parent")}
          isOptional
        />
        <SelectField
          label={w("child.unit")}
          value={unitId}
          options={units.value.map(({ id, name }) => ({ value: id, text: name }))}
          onChange={setUnitId}
          none={w("child.as-parent")}
          isOptional
        />
      </TwoFields>
      <TextArea label={f("cause")} value={cause} onInput={setCause} maxLength={500} />
    </Dialog>
  );
}
