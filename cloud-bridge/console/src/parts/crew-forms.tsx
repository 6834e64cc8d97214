import { useState } from "preact/hooks";
import type { Crew, CrewView, Duty, Unit } from "../../../api/schema/roster.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { units } from "../state/registers.ts";
import { people } from "../state/roster.ts";
import { t } from "../text/locale.ts";
import { crewText as c } from "../text/packs/crews.ts";
import { Dialog } from "./dialog.tsx";
import { Choice, ChooseMany, given, SelectField, TextField, TwoFields } from "./fields.tsx";

const LEVELS: readonly Unit["level"][] = ["city", "district", "street", "community", "department"];
const DUTY_HOURS = [4, 8, 12, 24];
const HOUR_MS = 3_600_000;
export const ID_PATTERN = "[a-z0-9][a-z0-9\\-]{0,62}";

/** What an edit was read from; absent where something new is made. */
export interface Edited<T> {
  readonly value: T;
  readonly etag: string | undefined;
}

/** Saves one thing of a register: new only where there is none of its id, changed only where nobody else changed it. */
export const save = (path: string, body: unknown, edited: Edited<unknown> | undefined, key: string): Promise<unknown> =>
  call("POST", path, {
    body,
    idempotencyKey: key,
    ...(edited === undefined ? { isNew: true } : {}),
    ...(edited?.etag === undefined ? {} : { ifMatch: edited.etag }),
  });

interface UnitFormProps {
  readonly edited?: Edited<Unit> | undefined;
  readonly parentId?: string | undefined;
  readonly onClose: () => void;
}

export function UnitForm({ edited, parentId, onClose }: UnitFormProps) {
  const before = edited?.value;
  const [id, setId] = useState(before?.id ?? "");
  const [name, setName] = useState(before?.name ?? "");
  const [level, setLevel] = useState<Unit["level"]>(before?.level ?? "street");
  const [parent, setParent] = useState(before?.parentId ?? parentId ?? "");
  const [phone, setPhone] = useState(before?.phone ?? "");
  const [key] = useState(newIdempotencyKey);
  const keep = async (): Promise<void> => {
    const { parentId: _, phone: __, ...rest } = before ?? { id, name, level };
    const body: Unit = { ...rest, id, name, level, ...given("parentId", parent), ...given("phone", phone) };
    await save("/units", body, edited, key);
  };
  return (
    <Dialog
      title={c(before === undefined ? "add-unit" : "edit-unit")}
      doIt={c(before === undefined ? "add" : "save")}
      onDo={keep}
      onClose={onClose}
    >
      <TextField label={c("name")} value={name} onInput={setName} maxLength={200} isFirst />
      {before === undefined && <IdField value={id} onInput={setId} />}
      <TwoFields>
        <SelectField
          label={c("level")}
          value={level}
          options={LEVELS.map((one) => ({ value: one, text: t(`unit-level.${one}`) }))}
          onChange={(value) => setLevel(LEVELS.find((one) => one === value) ?? "street")}
        />
        <SelectField
          label={c("parent")}
          value={parent}
          options={units.value.filter((unit) => unit.id !== id).map((unit) => ({ value: unit.id, text: unit.name }))}
          onChange={setParent}
          none={c("parent-none")}
          isOptional
        />
      </TwoFields>
      <TextField label={c("phone")} value={phone} onInput={setPhone} maxLength={32} inputMode="tel" isOptional />
    </Dialog>
  );
}

export function IdField({ value, onInput }: { readonly value: string; readonly onInput: (value: string) => void }) {
  return (
    <TextField
      label={c("id")}
      value={value}
      onInput={onInput}
      pattern={ID_PATTERN}
      maxLength={63}
      hint={t("add-node.id-hint")}
    />
  );
}

interface CrewFormProps {
  readonly edited?: Edited<Crew> | undefined;
  readonly onClose: () => void;
}

export function CrewForm({ edited, onClose }: CrewFormProps) {
  const before = edited?.value;
  const [id, setId] = useState(before?.id ?? "");
  const [name, setName] = useState(before?.name ?? "");
  const [unitId, setUnitId] = useState(before?.unitId ?? units.value[0]?.id ?? "");
  const [vehicleNode, setVehicleNode] = useState(before?.vehicleNode ?? "");
  const [radioIssi, setRadioIssi] = useState(before?.radioIssi ?? "");
  const [phone, setPhone] = useState(before?.phone ?? "");
  const [members, setMembers] = useState<readonly string[]>(before?.memberIds ?? []);
  const [skills, setSkills] = useState((before?.skills ?? []).join(", "));
  const [unavailable, setUnavailable] = useState(before?.unavailable ?? "");
  const [key] = useState(newIdempotencyKey);
  const keep = async (): Promise<void> => {
    const named = skills.split(/[,，]/).flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
    const body: Crew = {
      id,
      name,
      unitId,
      ...given("vehicleNode", vehicleNode),
      ...given("radioIssi", radioIssi),
      ...given("phone", phone),
      ...given("unavailable", unavailable),
      ...(members.length === 0 ? {} : { memberIds: [...members] }),
      ...(named.length === 0 ? {} : { skills: named }),
      ...(before?.areas === undefined ? {} : { areas: before.areas }),
    };
    await save("/crews", body, edited, key);
  };
  return (
    <Dialog
      title={c(before === undefined ? "add-crew" : "edit-crew")}
      doIt={c(before === undefined ? "add" : "save")}
      isWide
      onDo={keep}
      onClose={onClose}
    >
      <TwoFields>
        <TextField label={c("name")} value={name} onInput={setName} maxLength={200} isFirst />
        <SelectField
          label={c("unit")}
          value={unitId}
          options={units.value.map((unit) => ({ value: unit.id, text: unit.name }))}
          onChange={setUnitId}
        />
      </TwoFields>
      {before === undefined && <IdField value={id} onInput={setId} />}
      <TwoFields>
        <TextField
          label={c("vehicle")}
          value={vehicleNode}
          onInput={setVehicleNode}
          pattern={ID_PATTERN}
          maxLength={63}
          isOptional
          hint={c("vehicle-hint")}
        />
        <TextField
          label={c("radio")}
          value={radioIssi}
          onInput={setRadioIssi}
          pattern="[0-9]{1,8}"
          maxLength={8}
          inputMode="numeric"
          isOptional
        />
        <TextField label={c("phone")} value={phone} onInput={setPhone} maxLength={32} inputMode="tel" isOptional />
        <TextField
          label={c("skills")}
          value={skills}
          onInput={setSkills}
          maxLength={400}
          hint={c("skills-hint")}
          isOptional
        />
      </TwoFields>
      {people.value.length > 0 && (
        <ChooseMany
          label={c("members")}
          values={members}
          options={people.value.map((person) => ({ value: person.id, text: person.name }))}
          onChange={setMembers}
        />
      )}
      <TextField
        label={c("unavailable")}
        value={unavailable}
        onInput={setUnavailable}
        maxLength={500}
        hint={c("unavailable-hint")}
        isOptional
      />
    </Dialog>
  );
}

export function PutOnDuty({ crew, onClose }: { readonly crew: CrewView; readonly onClose: () => void }) {
  const [hours, setHours] = useState("8");
  const [key] = useState(newIdempotencyKey);
  const add = async (): Promise<void> => {
    const fromMs = Date.now();
    const body: Duty = { crewId: crew.id, fromMs, toMs: fromMs + Number(hours) * HOUR_MS };
    await call("POST", "/rosters", { body, idempotencyKey: key });
  };
  return (
    <Dialog title={c("put-on-duty-title", { crew: crew.name })} doIt={c("put-on-duty")} onDo={add} onClose={onClose}>
      <Choice
        label={c("duty-for")}
        name="hours"
        value={hours}
        options={DUTY_HOURS.map((n) => ({ value: String(n), text: t("unit.hours", { n }) }))}
        onChange={setHours}
      />
    </Dialog>
  );
}
