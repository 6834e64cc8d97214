import { useState } from "preact/hooks";
import type { CaseView } from "../../../api/schema/desk.ts";
import { cases, isEnded } from "../state/desk.ts";
import { metresBetween } from "../state/plan.ts";
import { catalogue, labelOf, units } from "../state/registers.ts";
import { formatDistance } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { formText as f } from "../text/packs/act-forms.ts";
import { whistleText as w } from "../text/packs/whistles.ts";
import { caseName } from "./case-head.tsx";
import { Dialog } from "./dialog.tsx";
import { given, SelectField, TextArea, TextField, TwoFields } from "./fields.tsx";
import { type FormProps, useAct } from "./use-act.ts";

export function MergeForm({ view, onClose }: FormProps) {
  const [into, setInto] = useState("");
  const [cause, setCause] = useState("");
  const send = useAct(view);
  // The nearest first: a case is mostly merged with its neighbour.
  const others = [...cases.value.values()]
    .filter((one) => one.id !== view.id && !isEnded(one))
    .map((one) => ({ one, farM: farM(view, one) }))
    .sort((a, b) => a.farM - b.farM || b.one.number - a.one.number);
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
            options={others.map(({ one, farM: metres }) => ({
              value: one.id,
              text: [
                `#${one.number} ${caseName(one)}`,
                t(`state.${one.state}`),
                ...(Number.isFinite(metres) ? [formatDistance(locale.value, metres)] : []),
              ].join(" · "),
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

function farM(a: CaseView, b: CaseView): number {
  if (a.siteId !== undefined && a.siteId === b.siteId) return 0;
  return a.position && b.position ? metresBetween(a.position, b.position) : Number.POSITIVE_INFINITY;
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
