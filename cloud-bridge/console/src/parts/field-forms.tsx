import { useState } from "preact/hooks";
import type { CaseAct } from "../../../api/schema/desk.ts";
import { catalogue, labelOf, units } from "../state/registers.ts";
import { formatAge } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { formText as f } from "../text/packs/act-forms.ts";
import { Dialog } from "./dialog.tsx";
import { given, SelectField, TextArea, TextField, TwoFields } from "./fields.tsx";
import { type FormProps, useAct } from "./use-act.ts";

const MINUTE_MS = 60_000;
const FOUND_BY = ["meter", "camera-rule", "video-round", "patrol", "citizen", "officer", "watch"] as const;

export function CategoriseForm({ view, onClose }: FormProps) {
  const categories = catalogue.value?.categories ?? [];
  const [category, setCategory] = useState(view.category?.code ?? "");
  const [cause, setCause] = useState("");
  const send = useAct(view);
  return (
    <Dialog
      title={f("categorise.title", { n: view.number })}
      doIt={t("act.categorise")}
      onDo={() => send({ act: "categorise", category, ...given("cause", cause) })}
      onClose={onClose}
    >
      <p class="quiet">{f("categorise.lead")}</p>
      <SelectField
        label={f("categorise.category")}
        value={category}
        options={categories.map((one) => ({ value: one.code, text: labelOf(one) }))}
        onChange={setCategory}
        none=""
        hint={timesOf(category)}
      />
      <TextArea label={f("cause")} value={cause} onInput={setCause} maxLength={500} isOptional />
    </Dialog>
  );
}

/** By when, of a category, as its class has it. */
export function timesOf(code: string): string | undefined {
  const tables = catalogue.value;
  const category = tables?.categories.find((one) => one.code === code);
  const sla = tables?.slaClasses.find((one) => one.code === (category?.sla ?? tables.defaultSla));
  if (sla === undefined || category === undefined) return undefined;
  const time = (minutes: number): string => formatAge(locale.value, minutes * MINUTE_MS);
  return f("categorise.times", {
    arrive: time(sla.arriveMinutes),
    total: time(sla.totalMinutes),
    clock: t(`due.clock.${sla.clock}`),
  });
}

export function TransferForm({ view, onClose }: FormProps) {
  const [unitId, setUnitId] = useState("");
  const [cause, setCause] = useState("");
  const send = useAct(view);
  return (
    <Dialog
      title={f("transfer.title", { n: view.number })}
      doIt={t("act.transfer")}
      onDo={() => send({ act: "transfer", unitId, cause })}
      onClose={onClose}
    >
      <p class="quiet">{f("transfer.lead")}</p>
      <SelectField
        label={f("transfer.unit")}
        value={unitId}
        options={units.value
          .filter(({ id }) => id !== view.unitId)
          .map(({ id, name, level }) => ({ value: id, text: `${name} · ${t(`unit-level.${level}`)}` }))}
        onChange={setUnitId}
        none=""
      />
      <TextArea label={f("cause")} value={cause} onInput={setCause} maxLength={500} />
    </Dialog>
  );
}

export function OutcomeForm({ view, onClose }: FormProps) {
  const [outcome, setOutcome] = useState(view.outcome ?? "");
  const [ground, setGround] = useState(view.ground ?? "");
  const [penaltyNumber, setPenaltyNumber] = useState(view.penaltyNumber ?? "");
  const [fine, setFine] = useState(view.fineCny === undefined ? "" : String(view.fineCny));
  const [foundBy, setFoundBy] = useState(view.foundBy ?? "");
  const send = useAct(view);
  const code = view.category?.code;
  const grounds = (catalogue.value?.grounds ?? []).toSorted(
    (a, b) => Number(fits(b.categories, code)) - Number(fits(a.categories, code)),
  );
  const act = (): CaseAct => {
    const found = FOUND_BY.find((one) => one === foundBy);
    return {
      act: "outcome",
      ...given("outcome", outcome),
      ...given("ground", ground),
      ...given("penaltyNumber", penaltyNumber),
      ...(fine.trim() === "" ? {} : { fineCny: Number(fine) }),
      ...(found === undefined ? {} : { foundBy: found }),
    };
  };
  return (
    <Dialog
      title={f("outcome.title", { n: view.number })}
      doIt={f("outcome.do")}
      onDo={() => send(act())}
      onClose={onClose}
    >
      <p class="quiet">{f("outcome.lead")}</p>
      <TextArea label={f("outcome.outcome")} value={outcome} onInput={setOutcome} maxLength={2000} isFirst isOptional />
      <SelectField
        label={f("outcome.ground")}
        value={ground}
        options={grounds.map((one) => ({ value: one.code, text: labelOf(one) }))}
        onChange={setGround}
        none={f("outcome.ground-none")}
        hint={grounds.find((one) => one.code === ground)?.law}
        isOptional
      />
      <TwoFields>
        <TextField
          label={f("outcome.penalty")}
          value={penaltyNumber}
          onInput={setPenaltyNumber}
          maxLength={64}
          isOptional
        />
        <TextField
          label={f("outcome.fine")}
          value={fine}
          onInput={setFine}
          maxLength={12}
          pattern="[0-9]+(\.[0-9]{1,2})?"
          inputMode="decimal"
          isOptional
        />
      </TwoFields>
      <SelectField
        label={f("outcome.found-by")}
        value={foundBy}
        options={FOUND_BY.map((one) => ({ value: one, text: f(`found-by.${one}`) }))}
        onChange={setFoundBy}
        none=""
        isOptional
      />
    </Dialog>
  );
}

const fits = (categories: readonly string[] | undefined, code: string | undefined): boolean =>
  code !== undefined && categories?.includes(code) === true;
