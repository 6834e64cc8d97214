import { useState } from "preact/hooks";
import type { NewWhistle } from "../../../api/schema/whistles.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { refreshSelected } from "../state/desk.ts";
import { catalogue, labelOf, units } from "../state/registers.ts";
import { formatAge } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { whistleText as w } from "../text/packs/whistles.ts";
import { Dialog } from "./dialog.tsx";
import { Choice, ChooseMany, SelectField, TextArea } from "./fields.tsx";
import type { FormProps } from "./use-act.ts";

const MINUTE_MS = 60_000;

/** 吹哨: a street or community calls departments to a case. */
export function WhistleForm({ view, onClose }: FormProps) {
  const kinds = catalogue.value?.whistleKinds ?? [];
  const callers = units.value.filter(({ level }) => level === "street" || level === "community");
  const [kind, setKind] = useState(kinds[0]?.code ?? "");
  const [fromUnitId, setFrom] = useState(
    () => callers.find(({ id }) => id === view.unitId)?.id ?? callers[0]?.id ?? "",
  );
  const [unitIds, setUnitIds] = useState<readonly string[]>([]);
  const [lead, setLead] = useState("");
  const [text, setText] = useState("");
  const [key] = useState(newIdempotencyKey);
  const others = units.value.filter(({ id }) => id !== fromUnitId);
  const departments = others.toSorted((a, b) => Number(b.level === "department") - Number(a.level === "department"));
  const leadUnitId = unitIds.includes(lead) ? lead : (unitIds[0] ?? "");
  const times = kinds.find(({ code }) => code === kind);
  const age = (minutes: number): string => formatAge(locale.value, minutes * MINUTE_MS);
  const blow = async (): Promise<void> => {
    if (unitIds.length === 0) throw new Error(w("blow.none"));
    const body: NewWhistle = { caseId: view.id, kind, fromUnitId, unitIds: [...unitIds], leadUnitId, text };
    await call("POST", "/whistles", { body, idempotencyKey: key });
    await refreshSelected();
  };
  return (
    <Dialog title={w("blow.title", { n: view.number })} doIt={w("blow.do")} isWide onDo={blow} onClose={onClose}>
      <p class="quiet">{w("blow.lead")}</p>
      <Choice
        label={w("blow.kind")}
        name="kind"
        value={kind}
        options={kinds.map((one) => ({ value: one.code, text: labelOf(one) }))}
        onChange={setKind}
        isFirst
      />
      {times !== undefined && (
        <p class="hint">{w("kind.times", { scene: age(times.sceneMinutes), handle: age(times.handleMinutes) })}</p>
      )}
      <SelectField
        label={w("blow.from")}
        value={fromUnitId}
        options={callers.map(({ id, name }) => ({ value: id, text: name }))}
        onChange={setFrom}
      />
      <ChooseMany
        label={w("blow.units")}
        values={unitIds}
        options={departments.map(({ id, name }) => ({ value: id, text: name }))}
        onChange={setUnitIds}
      />
      {unitIds.length > 1 && (
        <Choice
          label={w("blow.lead-unit")}
          name="lead"
          value={leadUnitId}
          options={others.filter(({ id }) => unitIds.includes(id)).map(({ id, name }) => ({ value: id, text: name }))}
          onChange={setLead}
        />
      )}
      <TextArea label={w("blow.text")} value={text} onInput={setText} maxLength={2000} />
    </Dialog>
  );
}
