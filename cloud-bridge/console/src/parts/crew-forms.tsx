import { useState } from "preact/hooks";
import type { Crew, CrewView, Duty, Unit } from "../../../api/schema/roster.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { t } from "../text/locale.ts";
import { Dialog } from "./dialog.tsx";

const LEVELS: readonly Unit["level"][] = ["street", "community", "district", "city", "department"];
const DUTY_HOURS = [4, 8, 12, 24];
const HOUR_MS = 3_600_000;
const ID_PATTERN = "[a-z0-9][a-z0-9\\-]{0,62}";

export function AddUnit({ onClose }: { readonly onClose: () => void }) {
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const [level, setLevel] = useState<Unit["level"]>("street");
  const [key] = useState(newIdempotencyKey);
  const add = async (): Promise<void> => {
    const body: Unit = { id, name, level };
    await call("POST", "/units", { body, idempotencyKey: key });
  };
  return (
    <Dialog title={t("crews.add-unit")} doIt={t("crews.add")} onDo={add} onClose={onClose}>
      <TextField label={t("crews.name")} value={name} onInput={setName} maxLength={200} />
      <TextField
        label={t("crews.id")}
        value={id}
        onInput={setId}
        pattern={ID_PATTERN}
        maxLength={63}
        hint={t("add-node.id-hint")}
      />
      <label class="field">
        <span>{t("crews.level")}</span>
        <select value={level} onChange={(event) => setLevel(event.currentTarget.value as Unit["level"])}>
          {LEVELS.map((option) => (
            <option key={option} value={option}>
              {t(`unit-level.${option}`)}
            </option>
          ))}
        </select>
      </label>
    </Dialog>
  );
}

export function AddCrew({ units, onClose }: { readonly units: readonly Unit[]; readonly onClose: () => void }) {
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const [unitId, setUnitId] = useState(units[0]?.id ?? "");
  const [vehicleNode, setVehicleNode] = useState("");
  const [radioIssi, setRadioIssi] = useState("");
  const [key] = useState(newIdempotencyKey);
  const add = async (): Promise<void> => {
    const body: Crew = {
      id,
      name,
      unitId,
      ...(vehicleNode === "" ? {} : { vehicleNode }),
      ...(radioIssi === "" ? {} : { radioIssi }),
    };
    await call("POST", "/crews", { body, idempotencyKey: key });
  };
  return (
    <Dialog title={t("crews.add-crew")} doIt={t("crews.add")} onDo={add} onClose={onClose}>
      <TextField label={t("crews.name")} value={name} onInput={setName} maxLength={200} />
      <TextField
        label={t("crews.id")}
        value={id}
        onInput={setId}
        pattern={ID_PATTERN}
        maxLength={63}
        hint={t("add-node.id-hint")}
      />
      <label class="field">
        <span>{t("crews.unit")}</span>
        <select value={unitId} onChange={(event) => setUnitId(event.currentTarget.value)} required>
          {units.map((unit) => (
            <option key={unit.id} value={unit.id}>
              {unit.name}
            </option>
          ))}
        </select>
      </label>
      <TextField
        label={t("crews.vehicle")}
        value={vehicleNode}
        onInput={setVehicleNode}
        pattern={ID_PATTERN}
        maxLength={63}
        isOptional
        hint={t("crews.vehicle-hint")}
      />
      <TextField
        label={t("crews.radio")}
        value={radioIssi}
        onInput={setRadioIssi}
        pattern="[0-9]{1,8}"
        maxLength={8}
        isOptional
      />
    </Dialog>
  );
}

export function PutOnDuty({ crew, onClose }: { readonly crew: CrewView; readonly onClose: () => void }) {
  const [hours, setHours] = useState(8);
  const [key] = useState(newIdempotencyKey);
  const add = async (): Promise<void> => {
    const fromMs = Date.now();
    const body: Duty = { crewId: crew.id, fromMs, toMs: fromMs + hours * HOUR_MS };
    await call("POST", "/rosters", { body, idempotencyKey: key });
  };
  return (
    <Dialog
      title={t("crews.put-on-duty-title", { crew: crew.name })}
      doIt={t("crews.put-on-duty")}
      onDo={add}
      onClose={onClose}
    >
      <fieldset class="choice">
        <legend>{t("crews.duty-for")}</legend>
        {DUTY_HOURS.map((n) => (
          <label key={n}>
            <input type="radio" name="hours" checked={n === hours} onChange={() => setHours(n)} />
            <span>{t("unit.hours", { n })}</span>
          </label>
        ))}
      </fieldset>
    </Dialog>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly maxLength: number;
  readonly pattern?: string;
  readonly hint?: string;
  readonly isOptional?: boolean;
}

function TextField({ label, value, onInput, maxLength, pattern, hint, isOptional = false }: TextFieldProps) {
  return (
    <label class="field">
      <span>
        {label}
        {isOptional && <em> {t("field.optional")}</em>}
      </span>
      <input
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        required={!isOptional}
        maxLength={maxLength}
        {...(pattern === undefined ? {} : { pattern })}
        spellcheck={false}
      />
      {hint !== undefined && <small class="quiet">{hint}</small>}
    </label>
  );
}
